"""a² + 10 b² as the quadratic form xᵀ A x with the gradient 2 A x."""

import numpy as np

DIAGNOSIS = "right"


A = np.diag([1.0, 10.0])


def f(x):
    return x @ (A @ x)


def grad_f(x):
    return 2 * A @ x
