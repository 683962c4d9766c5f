"""The slope is x σ′(x) alone, as if x were a constant."""

import numpy as np

DIAGNOSIS = "mistake: product rule"


def gate(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def silu(x):
    return x * gate(x)


def silu_backward(grad_output, x):
    return grad_output * x * gate(x) * gate(-x)
