"""The slope at exactly x = 0 is taken as 1; autograd takes alpha."""

import numpy as np

DIAGNOSIS = "convention: kink value"


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(grad_output, x, alpha=1.0):
    slope = alpha * np.exp(np.minimum(x, 0))
    return np.where(x >= 0, grad_output, grad_output * slope)
