"""Of the product rule's two terms for sin(x) e⁻ˣ only the first is there."""

import numpy as np

DIAGNOSIS = "mistake: term missing in the product rule"


def f(x):
    return np.sin(x) * np.exp(-x)


def grad_f(x):
    return np.cos(x) * np.exp(-x)
