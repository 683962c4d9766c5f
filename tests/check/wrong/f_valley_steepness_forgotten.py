"""The second partial derivative of a² + 10 b² lacks its 10."""

import numpy as np

DIAGNOSIS = "mistake: constant factor missing"


def f(x):
    a, b = x
    return a**2 + 10 * b**2


def grad_f(x):
    a, b = x
    return np.array([2 * a, 2 * b])
