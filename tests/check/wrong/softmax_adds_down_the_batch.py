"""The denominator always adds along axis 0, whatever dim says."""

import numpy as np

DIAGNOSIS = "mistake: wrong axis"


def softmax(x, dim):
    powers = np.exp(x - x.max(axis=dim, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


def softmax_backward(grad_output, x, dim):
    y = softmax(x, dim)
    return y * (grad_output - (grad_output * y).sum(axis=0, keepdims=True))
