"""The softmax runs over the examples of a class, not over an example's classes."""

import numpy as np

DIAGNOSIS = "mistake: wrong axis"


def log_softmax_columns(input):
    shifted = input - input.max(axis=0, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))


def cross_entropy(input, target):
    return -log_softmax_columns(input)[np.arange(len(target)), target].mean()


def cross_entropy_backward(input, target):
    grad = np.exp(log_softmax_columns(input))
    grad[np.arange(len(target)), target] -= 1
    return grad / len(target)
