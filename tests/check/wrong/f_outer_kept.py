"""sin(x²) 2x for cos(x²) 2x."""

import numpy as np

DIAGNOSIS = "mistake: outer function not differentiated"


def f(x):
    return np.sin(x**2)


def grad_f(x):
    return np.sin(x**2) * 2 * x
