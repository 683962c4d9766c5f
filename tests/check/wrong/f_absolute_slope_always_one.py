"""The slope of |x − 1| is −1 left of 1."""

DIAGNOSIS = "mistake: sign of an absolute value's derivative"


def f(x):
    return abs(x - 1)


def grad_f(x):
    return 1.0
