"""The exponent comes down and stays, too."""

DIAGNOSIS = "mistake: exponent not lowered"


def f(x, y):
    return x**3 + y**3


def grad_f(x, y):
    return [3 * x**3, 3 * y**3]
