"""A cubic polynomial and its derivative, both by Horner's scheme."""

DIAGNOSIS = "right"


def f(x):
    return ((x - 2) * x + 3) * x - 4


def grad_f(x):
    return (3 * x - 4) * x + 3
