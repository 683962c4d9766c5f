"""The second derivative for the first."""

DIAGNOSIS = "mistake: differentiated twice"


def f(x):
    return x**3


def grad_f(x):
    return 6 * x
