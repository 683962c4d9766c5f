"""The gradient is the sign of target − input."""

import numpy as np

DIAGNOSIS = "mistake: sign"


def l1_loss(input, target):
    return np.mean(np.abs(target - input))


def l1_loss_backward(input, target):
    return np.sign(target - input) / target.size
