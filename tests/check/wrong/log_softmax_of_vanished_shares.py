"""The softmax is formed first, and the logarithm of a share rounded to 0 is −∞."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def log_softmax(x, dim):
    powers = np.exp(x - x.max(axis=dim, keepdims=True))
    return np.log(powers / powers.sum(axis=dim, keepdims=True))


def log_softmax_backward(grad_output, x, dim):
    shares = np.exp(log_softmax(x, dim))
    return grad_output - shares * grad_output.sum(axis=dim, keepdims=True)
