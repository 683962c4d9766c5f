"""The right class, too, is compared with itself: that costs the margin each time."""

import numpy as np

DIAGNOSIS = "mistake: right class counted"


def multi_margin_loss(input, target):
    right = input[np.arange(len(target)), target]
    missing = np.maximum(0, 1 - right[:, None] + input)
    return np.mean(missing)


def multi_margin_loss_backward(input, target):
    rows = np.arange(len(target))
    right = input[rows, target]
    grad = np.where(1 - right[:, None] + input > 0, 1.0, 0.0)
    grad[rows, target] -= grad.sum(axis=1)
    return grad / input.size
