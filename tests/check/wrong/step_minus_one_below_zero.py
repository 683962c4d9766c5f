"""Below zero the output is −1, as sign gives it, instead of 0."""

import numpy as np

DIAGNOSIS = "mistake: −1 below 0"


def step(x):
    return np.where(x > 0, np.ones_like(x), -np.ones_like(x)) * (x != 0)


def step_backward(grad_output, x):
    return np.zeros_like(grad_output)
