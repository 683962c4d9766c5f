"""The input is put through a softmax before the loss, which holds one already."""

import numpy as np

DIAGNOSIS = "mistake: softmax twice"


def softmax_rows(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(input, target):
    p = softmax_rows(softmax_rows(input))
    return -np.log(p[np.arange(len(target)), target]).mean()


def cross_entropy_backward(input, target):
    grad = softmax_rows(softmax_rows(input))
    grad[np.arange(len(target)), target] -= 1
    return grad / len(target)
