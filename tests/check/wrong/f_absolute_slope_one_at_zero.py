"""The slope of |x| at exactly 0 is taken as 1; autograd takes 0."""

DIAGNOSIS = "convention: kink value"


def f(x):
    return abs(x)


def grad_f(x):
    return 1.0 if x >= 0 else -1.0
