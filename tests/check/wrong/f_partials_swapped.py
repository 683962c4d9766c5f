"""The two partial derivatives of 2 a b² stand in each other's place."""

import numpy as np

DIAGNOSIS = "mistake: partial derivatives swapped"


def f(x):
    a, b = x
    return 2 * a * b**2


def grad_f(x):
    a, b = x
    return np.array([4 * a * b, 2 * b**2])
