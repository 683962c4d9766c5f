"""The mean over the N examples divides by N − 1."""

import numpy as np

DIAGNOSIS = "mistake: N/(N−1)"


def cross_entropy(input, target):
    shifted = input - input.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    picked = shifted[np.arange(len(target)), target]
    return (log_total - picked).sum() / (len(target) - 1)


def cross_entropy_backward(input, target):
    powers = np.exp(input - input.max(axis=1, keepdims=True))
    grad = powers / powers.sum(axis=1, keepdims=True)
    grad[np.arange(len(target)), target] -= 1
    return grad / (len(target) - 1)
