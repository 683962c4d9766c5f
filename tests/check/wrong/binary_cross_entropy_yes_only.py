"""Only the term of the ones is there: a wrong yes costs nothing."""

import numpy as np

DIAGNOSIS = "mistake: term of the zeros missing"


def binary_cross_entropy(input, target):
    with np.errstate(divide="ignore"):
        yes = np.maximum(np.log(input), -100)
    return -np.mean(target * yes)


def binary_cross_entropy_backward(input, target):
    return -target / np.maximum(input, 1e-12) / input.size
