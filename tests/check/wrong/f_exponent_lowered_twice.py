"""The factor is lowered with the exponent."""

DIAGNOSIS = "mistake: exponent lowered twice"


def f(x):
    return x**4


def grad_f(x):
    return 3 * x**3
