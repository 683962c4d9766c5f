"""Leaky ReLU as its positive part plus the slope times its negative part."""

import numpy as np

DIAGNOSIS = "right"


def leaky_relu(x, negative_slope=0.01):
    return np.maximum(x, 0) + negative_slope * np.minimum(x, 0)


def leaky_relu_backward(grad_output, x, negative_slope=0.01):
    positive = (x > 0).astype(x.dtype)
    return grad_output * (positive + negative_slope * (1 - positive))
