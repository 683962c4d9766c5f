"""The exponential is differentiated like a power: y eʸ⁻¹ for eʸ."""

import numpy as np

DIAGNOSIS = "mistake: value and gradient do not belong together"


def f(p):
    x, y = p
    return np.sin(x) + np.exp(y)


def grad_f(p):
    x, y = p
    return np.array([np.cos(x), y * np.exp(y - 1)])
