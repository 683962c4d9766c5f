"""The value is a mean, the gradient that of the sum."""

import numpy as np

DIAGNOSIS = "mistake: 1/N missing"


def mse_loss(input, target):
    return np.mean((input - target) ** 2)


def mse_loss_backward(input, target):
    return 2 * (input - target)
