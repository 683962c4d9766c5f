"""sinh/cosh written out with exponentials is ∞/∞ for large |x|."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def tanh(x):
    up, down = np.exp(x), np.exp(-x)
    return (up - down) / (up + down)


def tanh_backward(grad_output, x):
    return grad_output * (1 - tanh(x) ** 2)
