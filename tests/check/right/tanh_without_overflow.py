"""tanh from e^(−2|x|) alone, with expm1 for small x."""

import numpy as np

DIAGNOSIS = "right"


def tanh(x):
    less = np.expm1(-2 * np.abs(x))
    return np.sign(x) * -less / (2 + less)


def tanh_backward(grad_output, x):
    y = tanh(x)
    return grad_output * (1 - y) * (1 + y)
