"""The constant 7 stays in the derivative."""

DIAGNOSIS = "mistake: constant not dropped"


def f(x):
    return x**2 + 5 * x + 7


def grad_f(x):
    return 2 * x + 5 + 7
