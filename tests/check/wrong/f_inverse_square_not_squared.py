"""The quotient rule's denominator is not squared: −2x / r² for 1 / r²."""

import numpy as np

DIAGNOSIS = "mistake: denominator not squared"


def f(p):
    x, y = p
    return 1 / (x**2 + y**2)


def grad_f(p):
    x, y = p
    return np.array([-2 * x, -2 * y]) / (x**2 + y**2)
