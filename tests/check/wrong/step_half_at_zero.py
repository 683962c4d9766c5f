"""A weighted sum of exactly 0 gives ½; the reference gives 0."""

import numpy as np

DIAGNOSIS = "mistake: kink value"


def step(x):
    return np.heaviside(x, 0.5)


def step_backward(grad_output, x):
    return np.zeros_like(x)
