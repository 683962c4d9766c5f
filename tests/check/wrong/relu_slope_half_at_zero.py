"""The slope at exactly x = 0 is taken as ½; autograd takes 0."""

import numpy as np

DIAGNOSIS = "convention: kink value"


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_output, x):
    return grad_output * np.heaviside(x, 0.5)
