"""The goodness is a mean, its gradient that of a sum: for two units twice too large."""

DIAGNOSIS = "mistake: constant factor missing"


def goodness(y):
    return (y * y).mean()


def grad_goodness(y):
    return 2 * y
