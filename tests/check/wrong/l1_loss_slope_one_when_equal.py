"""Where input and target are equal the slope is 1; autograd takes 0."""

import numpy as np

DIAGNOSIS = "convention: kink value"


def l1_loss(input, target):
    return np.mean(np.abs(input - target))


def l1_loss_backward(input, target):
    one = np.ones_like(input)
    return np.where(input >= target, one, -one) / input.size
