"""The square is differentiated without its 2."""

DIAGNOSIS = "mistake: term missing in the product rule"


def goodness(y):
    return (y * y).mean()


def grad_goodness(y):
    return y / len(y)
