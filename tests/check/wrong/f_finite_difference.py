"""A finite difference in place of the formula."""

DIAGNOSIS = "convention: numerical derivative"


def f(x):
    return x**2


def grad_f(x):
    return (f(x + 1e-6) - f(x)) / 1e-6
