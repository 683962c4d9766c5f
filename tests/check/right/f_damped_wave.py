"""sin(x) e⁻ˣ with both terms of the product rule."""

import numpy as np

DIAGNOSIS = "right"


def f(x):
    return np.sin(x) * np.exp(-x)


def grad_f(x):
    return (np.cos(x) - np.sin(x)) * np.exp(-x)
