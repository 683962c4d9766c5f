"""The slope at exactly x = 6 is taken as 1; autograd takes 0."""

import numpy as np

DIAGNOSIS = "convention: kink value"


def relu6(x):
    return np.clip(x, 0, 6)


def relu6_backward(grad_output, x):
    return grad_output * ((x > 0) & (x <= 6))
