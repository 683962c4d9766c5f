"""The derivative of 2ˣ is 2ˣ ln 2, not 2ˣ."""

DIAGNOSIS = "mistake: logarithm of the base missing"


def f(x):
    return 2**x * x


def grad_f(x):
    return 2**x + 2**x * x
