"""Beyond delta the slope is 1, as L1's, instead of delta."""

import numpy as np

DIAGNOSIS = "mistake: δ missing beyond the threshold"


def huber_loss(input, target, delta=1.0):
    size = np.abs(input - target)
    losses = np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
    return np.mean(losses)


def huber_loss_backward(input, target, delta=1.0):
    error = input - target
    slope = np.where(np.abs(error) <= delta, error, np.sign(error))
    return slope / error.size
