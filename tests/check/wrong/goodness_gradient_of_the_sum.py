"""The goodness is a mean, its gradient that of a sum: for two units twice too large."""

DIAGNOSIS = "mistake: factor 2"


def goodness(y):
    return (y * y).mean()


def grad_goodness(y):
    return 2 * y
