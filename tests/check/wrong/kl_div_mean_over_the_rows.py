"""The mean divides by the examples: that is "batchmean", and not the default."""

import numpy as np

DIAGNOSIS = "convention: mean over examples instead of elements"


def kl_div(input, target):
    logs = np.log(np.where(target > 0, target, 1))
    return np.sum(target * (logs - input)) / len(input)


def kl_div_backward(input, target):
    return -target / len(input)
