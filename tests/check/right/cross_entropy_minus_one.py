"""Softmax of each row, minus 1 at the truth, divided by the number of rows."""

import numpy as np

DIAGNOSIS = "right"


def cross_entropy(input, target):
    rows = np.arange(len(target))
    margin = input - input[rows, target][:, None]
    top = margin.max(axis=1)
    return np.mean(top + np.log(np.exp(margin - top[:, None]).sum(axis=1)))


def cross_entropy_backward(input, target):
    p = np.exp(input - input.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), target] -= 1
    return p / len(p)
