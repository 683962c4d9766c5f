"""The mixed term of x² − 2 x y + y² counts by x, but not by y."""

import numpy as np

DIAGNOSIS = "mistake: term missing"


def f(p):
    x, y = p
    return x**2 - 2 * x * y + y**2


def grad_f(p):
    x, y = p
    return np.array([2 * x - 2 * y, 2 * y])
