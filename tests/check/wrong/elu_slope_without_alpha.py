"""The slope of the negative part is eˣ; the factor alpha is missing."""

import numpy as np

DIAGNOSIS = "mistake: α missing"


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(grad_output, x, alpha=1.0):
    return grad_output * np.exp(np.minimum(x, 0))
