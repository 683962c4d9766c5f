"""The mean of squares as a length, and its gradient by the product rule."""

import numpy as np

DIAGNOSIS = "right"


def goodness(y):
    return np.dot(y, y) / np.size(y)


def grad_goodness(y):
    return (y + y) / np.size(y)
