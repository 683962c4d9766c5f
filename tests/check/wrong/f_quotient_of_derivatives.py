"""The derivative of a quotient is taken as the quotient of the derivatives."""

import numpy as np

DIAGNOSIS = "mistake: quotient of the derivatives"


def f(x):
    return np.sin(x) / (x**2 + 1)


def grad_f(x):
    return np.cos(x) / (2 * x)
