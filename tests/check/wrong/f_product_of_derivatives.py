"""The derivative of a product is taken as the product of the derivatives."""

DIAGNOSIS = "mistake: product of the derivatives"


def f(x):
    return (x - 1) * (x**2 + 2)


def grad_f(x):
    return 1 * (2 * x)
