"""Each derivative is multiplied by its own factor."""

import numpy as np

DIAGNOSIS = "mistake: wrong factors in the product rule"


def f(x):
    return x**2 * np.sin(x)


def grad_f(x):
    return 2 * x * x**2 + np.cos(x) * np.sin(x)
