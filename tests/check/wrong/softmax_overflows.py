"""The maximum is not taken out first, so large inputs give ∞/∞."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def softmax(x, dim):
    powers = np.exp(x)
    return powers / powers.sum(axis=dim, keepdims=True)


def softmax_backward(grad_output, x, dim):
    y = softmax(x, dim)
    return y * (grad_output - (grad_output * y).sum(axis=dim, keepdims=True))
