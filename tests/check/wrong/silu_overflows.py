"""x eˣ / (1 + eˣ) is right until eˣ overflows; then it is ∞/∞."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def silu(x):
    power = np.exp(x)
    return x * power / (1 + power)


def silu_backward(grad_output, x):
    gate = np.exp(x) / (1 + np.exp(x))
    return grad_output * (gate + x * gate * (1 - gate))
