"""The quotient rule with a plus."""

DIAGNOSIS = "mistake: plus for minus in the quotient rule"


def f(x):
    return x / (1 + x**2)


def grad_f(x):
    return (1 + x**2 + x * 2 * x) / (1 + x**2) ** 2
