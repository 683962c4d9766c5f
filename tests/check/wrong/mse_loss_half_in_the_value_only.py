"""The value has a ½, the gradient is that of the loss without it."""

import numpy as np

DIAGNOSIS = "mistake: value and gradient differ by a factor (2 times too small)"


def mse_loss(input, target):
    return 0.5 * np.mean((input - target) ** 2)


def mse_loss_backward(input, target):
    return 2 * (input - target) / input.size
