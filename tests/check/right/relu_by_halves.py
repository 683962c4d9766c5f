"""ReLU as (x + |x|) / 2, its slope as (1 + sign x) / 2 rounded down at 0."""

import numpy as np

DIAGNOSIS = "right"


def relu(x):
    return (x + np.abs(x)) / 2


def relu_backward(grad_output, x):
    return grad_output * np.floor((1 + np.sign(x)) / 2)
