"""1 / (1 + x²), differentiated by the quotient rule."""

DIAGNOSIS = "right"


def f(x):
    return 1 / (1 + x**2)


def grad_f(x):
    above, below = 1, 1 + x**2
    return (0 * below - above * 2 * x) / below**2
