"""y (1 − y) is computed with the input x in the place of the output y."""

import numpy as np

DIAGNOSIS = "mistake: input in the slope formula of the output"


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def sigmoid_backward(grad_output, x):
    return grad_output * x * (1 - x)
