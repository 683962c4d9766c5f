"""The inner derivative −2 x comes in as 2 |x|."""

import numpy as np

DIAGNOSIS = "mistake: sign of the inner derivative missing"


def f(x):
    return np.exp(1 - 3 * x)


def grad_f(x):
    return 3 * np.exp(1 - 3 * x)
