"""The gradient is made, and never filled."""

import numpy as np

DIAGNOSIS = "mistake: gradient 0"


def f(x):
    return np.sum(x**2)


def grad_f(x):
    return np.zeros_like(x)
