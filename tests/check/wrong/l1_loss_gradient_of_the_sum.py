"""The value is a mean, the gradient that of the sum."""

import numpy as np

DIAGNOSIS = "mistake: 1/N missing"


def l1_loss(input, target):
    return np.mean(np.abs(input - target))


def l1_loss_backward(input, target):
    return np.sign(input - target)
