"""np.sqrt(2 / np.pi) is a NumPy float64, which widens a float32 array."""

import math

import numpy as np

DIAGNOSIS = "convention: dtype changed"


def gelu(x, approximate="none"):
    return x * gate(x, approximate)[0]


def gelu_backward(grad_output, x, approximate="none"):
    share, slope = gate(x, approximate)
    return grad_output * (share + x * slope)


def gate(x, approximate):
    if approximate == "tanh":
        inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        steep = np.sqrt(2 / np.pi) * (1 + 0.134145 * x**2)
        return (1 + inner) / 2, (1 - inner**2) * steep / 2
    error = np.array([math.erf(v / math.sqrt(2)) for v in x.ravel()], x.dtype)
    return (1 + error.reshape(x.shape)) / 2, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
