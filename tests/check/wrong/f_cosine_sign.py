"""The derivative of the cosine is −sin; the minus is missing."""

import numpy as np

DIAGNOSIS = "mistake: sign of the cosine's derivative"


def f(x):
    return np.cos(x)


def grad_f(x):
    return np.sin(x)
