"""The chain rule's inner derivative 2 x is missing."""

DIAGNOSIS = "mistake: inner derivative missing"


def f(x):
    return (x**2 + 1) ** 3


def grad_f(x):
    return 3 * (x**2 + 1) ** 2
