"""That is Huber's loss: beta times as large."""

import numpy as np

DIAGNOSIS = "mistake: not divided by beta"


def smooth_l1_loss(input, target, beta=1.0):
    size = np.abs(input - target)
    losses = np.where(size < beta, 0.5 * size**2, beta * (size - 0.5 * beta))
    return np.mean(losses)


def smooth_l1_loss_backward(input, target, beta=1.0):
    return np.clip(input - target, -beta, beta) / input.size
