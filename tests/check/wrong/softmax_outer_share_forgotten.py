"""The backward pass is grad − Σ grad·y; the factor y before it is missing."""

import numpy as np

DIAGNOSIS = "mistake: factor y forgotten"


def softmax(x, dim):
    powers = np.exp(x - x.max(axis=dim, keepdims=True))
    return powers / powers.sum(axis=dim, keepdims=True)


def softmax_backward(grad_output, x, dim):
    y = softmax(x, dim)
    return grad_output - (grad_output * y).sum(axis=dim, keepdims=True)
