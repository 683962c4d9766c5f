"""1 + tanh² for 1 − tanh²."""

import numpy as np

DIAGNOSIS = "mistake: sign of the derivative of tanh"


def f(x):
    return np.tanh(x)


def grad_f(x):
    return 1 + np.tanh(x) ** 2
