"""The exponentials are summed without taking the maximum out first."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def cross_entropy(input, target):
    picked = input[np.arange(len(target)), target]
    return np.mean(np.log(np.exp(input).sum(axis=1)) - picked)


def cross_entropy_backward(input, target):
    grad = np.exp(input) / np.exp(input).sum(axis=1, keepdims=True)
    grad[np.arange(len(target)), target] -= 1
    return grad / len(target)
