"""The minus is missing: the log-likelihood itself is returned and differentiated."""

import numpy as np

DIAGNOSIS = "mistake: sign"


def nll_loss(input, target):
    return input[np.arange(len(target)), target].mean()


def nll_loss_backward(input, target):
    grad = np.zeros_like(input)
    grad[np.arange(len(target)), target] = 1 / len(target)
    return grad
