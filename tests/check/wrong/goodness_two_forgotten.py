"""The square is differentiated without its 2."""

DIAGNOSIS = "mistake: factor ½"


def goodness(y):
    return (y * y).mean()


def grad_goodness(y):
    return y / len(y)
