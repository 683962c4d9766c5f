"""The minus of the quotient rule is lost: 1 / (1 + x²) falls where x > 0."""

DIAGNOSIS = "mistake: minus missing in the quotient rule"


def f(x):
    return 1 / (1 + x**2)


def grad_f(x):
    return 2 * x / (1 + x**2) ** 2
