"""The mean square as a vector's product with itself."""

import numpy as np

DIAGNOSIS = "right"


def mse_loss(input, target):
    error = np.ravel(input - target)
    return error @ error / len(error)


def mse_loss_backward(input, target):
    return (input - target) / (input.size / 2)
