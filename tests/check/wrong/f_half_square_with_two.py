"""The derivative of ½ x² is written 2 x."""

DIAGNOSIS = "mistake: factor 2"


def f(x):
    return 0.5 * x * x


def grad_f(x):
    return 2 * x
