"""The partner takes x first, where every other takes the gradient by the output."""

import numpy as np


def relu(x):
    return np.maximum(x, 0)


def relu_backward(x, grad_output):
    return grad_output * (x > 0)
