"""The product rule for 3 sin x takes 3′ = 1."""

import numpy as np

DIAGNOSIS = "mistake: constant differentiated like a variable"


def f(x):
    return 3 * np.sin(x)


def grad_f(x):
    return np.sin(x) + 3 * np.cos(x)
