"""The gradient's sign is turned: true digits calm the layer down."""

DIAGNOSIS = "mistake: sign"


def goodness(y):
    return (y * y).mean()


def grad_goodness(y):
    return -2 * y / len(y)
