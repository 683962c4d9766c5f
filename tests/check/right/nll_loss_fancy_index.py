"""The negative log-likelihood by picking one entry of each row."""

import numpy as np

DIAGNOSIS = "right"


def nll_loss(input, target):
    return -sum(input[range(len(target)), target]) / len(target)


def nll_loss_backward(input, target):
    grad = np.zeros_like(input)
    grad[range(len(target)), target] -= 1 / len(target)
    return grad
