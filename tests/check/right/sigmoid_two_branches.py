"""The sigmoid with one formula for each sign, so that exp never overflows."""

import numpy as np

DIAGNOSIS = "right"


def sigmoid(x):
    y = np.empty_like(x)
    positive = x >= 0
    y[positive] = 1 / (1 + np.exp(-x[positive]))
    power = np.exp(x[~positive])
    y[~positive] = power / (1 + power)
    return y


def sigmoid_backward(grad_output, x):
    return grad_output * sigmoid(x) * sigmoid(-x)
