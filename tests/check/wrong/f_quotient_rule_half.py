"""Only the numerator is differentiated."""

import numpy as np

DIAGNOSIS = "mistake: term missing in the quotient rule"


def f(x):
    return np.sin(x) / (x**2 + 1)


def grad_f(x):
    return np.cos(x) / (x**2 + 1)
