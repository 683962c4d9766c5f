"""u v′ − u′ v for u′ v − u v′."""

DIAGNOSIS = "mistake: terms swapped in the quotient rule"


def f(x):
    return x / (1 + x**2)


def grad_f(x):
    return (x * 2 * x - (1 + x**2)) / (1 + x**2) ** 2
