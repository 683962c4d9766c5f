"""A gradient of two variables has two numbers."""

DIAGNOSIS = "mistake: partial derivative missing"


def f(x, y):
    return x**2 + y**2


def grad_f(x, y):
    return 2 * x
