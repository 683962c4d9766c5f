"""tanh′ = 1 − tanh², and the square is missing."""

import numpy as np

DIAGNOSIS = "mistake: square missing in the derivative of tanh"


def f(x):
    return np.tanh(x)


def grad_f(x):
    return 1 - np.tanh(x)
