"""The slope is written y (y − 1), which is negative."""

import numpy as np

DIAGNOSIS = "mistake: sign"


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def sigmoid_backward(grad_output, x):
    y = sigmoid(x)
    return grad_output * y * (y - 1)
