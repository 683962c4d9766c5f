"""The value is the sum over the examples, the gradient that of their mean."""

import numpy as np

DIAGNOSIS = "mistake: sum in the value, mean in the gradient"


def cross_entropy(input, target):
    shifted = input - input.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(target)), target].sum()


def cross_entropy_backward(input, target):
    powers = np.exp(input - input.max(axis=1, keepdims=True))
    grad = powers / powers.sum(axis=1, keepdims=True)
    grad[np.arange(len(target)), target] -= 1
    return grad / len(target)
