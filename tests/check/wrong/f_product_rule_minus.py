"""The product rule with a minus."""

import numpy as np

DIAGNOSIS = "mistake: minus for plus in the product rule"


def f(x):
    return x**2 * np.sin(x)


def grad_f(x):
    return 2 * x * np.sin(x) - x**2 * np.cos(x)
