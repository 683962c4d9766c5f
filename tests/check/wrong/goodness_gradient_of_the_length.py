"""The goodness is the mean of squares, its gradient that of their root."""

DIAGNOSIS = "mistake: value and gradient do not belong together"


def goodness(y):
    return (y * y).mean()


def grad_goodness(y):
    return y / (len(y) * (y * y).mean() ** 0.5)
