"""Value and gradient carry the textbook's ½, which torch's MSE has not."""

import numpy as np

DIAGNOSIS = "convention: factor ½"


def mse_loss(input, target):
    return np.mean((input - target) ** 2) / 2


def mse_loss_backward(input, target):
    return (input - target) / input.size
