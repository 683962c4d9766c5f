"""x⁴ / 4 is the integral of x³."""

DIAGNOSIS = "mistake: integrated instead of differentiated"


def f(x):
    return x**3


def grad_f(x):
    return x**4 / 4
