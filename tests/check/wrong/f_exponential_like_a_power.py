"""The exponential is differentiated like a power: y eʸ⁻¹ for eʸ."""

import numpy as np

DIAGNOSIS = "mistake: exponential like a power"


def f(p):
    x, y = p
    return np.sin(x) + np.exp(y)


def grad_f(p):
    x, y = p
    return np.array([np.cos(x), y * np.exp(y - 1)])
