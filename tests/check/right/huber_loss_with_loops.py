"""Huber's loss, element by element, with an if for its two parts."""

import numpy as np

DIAGNOSIS = "right"


def huber_loss(input, target, delta=1.0):
    total = 0
    for error in (input - target).flat:
        if abs(error) <= delta:
            total += 0.5 * error**2
        else:
            total += delta * (abs(error) - 0.5 * delta)
    return total / input.size


def huber_loss_backward(input, target, delta=1.0):
    grad = np.zeros_like(input)
    for index in np.ndindex(input.shape):
        error = input[index] - target[index]
        steep = delta if error > 0 else -delta
        grad[index] = (error if abs(error) <= delta else steep) / input.size
    return grad
