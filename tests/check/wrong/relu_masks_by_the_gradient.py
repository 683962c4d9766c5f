"""The gradient passes where it is positive itself, not where x is positive."""

import numpy as np

DIAGNOSIS = "mistake: slope taken from the upstream gradient"


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_output, x):
    return np.where(grad_output > 0, grad_output, np.zeros_like(grad_output))
