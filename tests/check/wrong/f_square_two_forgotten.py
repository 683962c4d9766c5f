"""The derivative of x² is written x."""

DIAGNOSIS = "mistake: factor ½"


def f(x):
    return x**2


def grad_f(x):
    return x
