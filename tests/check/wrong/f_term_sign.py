"""The minus of the mixed term is lost."""

DIAGNOSIS = "mistake: sign of a term"


def f(x, y):
    return x**2 - 2 * x * y + y**2


def grad_f(x, y):
    return [2 * x + 2 * y, 2 * x + 2 * y]
