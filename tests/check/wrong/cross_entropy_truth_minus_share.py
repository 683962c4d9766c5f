"""The gradient is written y − p instead of p − y."""

import numpy as np

DIAGNOSIS = "mistake: sign"


def cross_entropy(input, target):
    top = input.max(axis=1)
    total = np.log(np.exp(input - top[:, None]).sum(axis=1))
    return np.mean(total - (input[np.arange(len(target)), target] - top))


def cross_entropy_backward(input, target):
    powers = np.exp(input - input.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    return (np.eye(p.shape[1], dtype=p.dtype)[target] - p) / len(p)
