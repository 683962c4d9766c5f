"""The derivative of x² is written x."""

DIAGNOSIS = "mistake: exponent does not come down"


def f(x):
    return x**2


def grad_f(x):
    return x
