"""Takes probabilities and class indices, as the last part of a softmax classifier."""

import numpy as np

DIAGNOSIS = "convention: eps in the logarithm"


def cross_entropy_error(y, t):
    rows = np.arange(y.shape[0])
    return -np.sum(np.log(y[rows, t] + 1e-7)) / y.shape[0]
