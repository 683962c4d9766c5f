"""x² − 2 x y + y² as the square of x − y: outer slope times inner slope."""

import numpy as np

DIAGNOSIS = "right"


def f(p):
    x, y = p
    return (x - y) ** 2


def grad_f(p):
    x, y = p
    outer, inner = 2 * (x - y), np.array([1, -1])
    return outer * inner
