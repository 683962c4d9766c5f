"""The squares are divided by the number of rows, not of elements."""

import numpy as np

DIAGNOSIS = "convention: mean over examples instead of elements"


def mse_loss(input, target):
    return np.sum((input - target) ** 2) / len(input)


def mse_loss_backward(input, target):
    return 2 * (input - target) / len(input)
