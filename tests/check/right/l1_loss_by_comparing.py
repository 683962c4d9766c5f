"""The sign of the error from two comparisons, 0 where neither holds."""

import numpy as np

DIAGNOSIS = "right"


def l1_loss(input, target):
    return np.sum(np.maximum(input, target) - np.minimum(input, target)) / input.size


def l1_loss_backward(input, target):
    above = (input > target).astype(input.dtype)
    below = (input < target).astype(input.dtype)
    return (above - below) / input.size
