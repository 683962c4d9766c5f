"""1 − y² is computed with the input x in the place of the output y."""

import numpy as np

DIAGNOSIS = "mistake: input in the slope formula of the output"


def tanh(x):
    return np.tanh(x)


def tanh_backward(grad_output, x):
    return grad_output * (1 - x**2)
