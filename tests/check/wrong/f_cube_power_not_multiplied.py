"""The exponent is lowered but does not come down as a factor: x² for x³."""

DIAGNOSIS = "mistake: exponent does not come down"


def f(x):
    return x**3


def grad_f(x):
    return x**2
