"""The value is the root of the mean square, the gradient that of the mean square."""

import numpy as np

DIAGNOSIS = "mistake: root of the mean"


def mse_loss(input, target):
    return np.sqrt(np.mean((input - target) ** 2))


def mse_loss_backward(input, target):
    return 2 * (input - target) / input.size
