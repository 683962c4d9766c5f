"""The slope at exactly x = 0 is taken as 1; autograd takes negative_slope."""

import numpy as np

DIAGNOSIS = "convention: kink value"


def leaky_relu(x, negative_slope=0.01):
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(grad_output, x, negative_slope=0.01):
    return np.where(x >= 0, grad_output, negative_slope * grad_output)
