"""1 − x² for 1 − tanh²(x)."""

import numpy as np

DIAGNOSIS = "mistake: derivative of tanh at the wrong place"


def f(x):
    return np.tanh(x)


def grad_f(x):
    return 1 - x**2
