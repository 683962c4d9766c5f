"""The derivative of √x is 1 / (2 √x); the 2 is missing."""

import numpy as np

DIAGNOSIS = "mistake: ½ of the root's derivative missing"


def f(x):
    return np.sqrt(x)


def grad_f(x):
    return 1 / np.sqrt(x)
