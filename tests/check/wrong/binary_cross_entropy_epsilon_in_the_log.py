"""1e-7 is added inside the logarithms, which shifts every value a little."""

import numpy as np

DIAGNOSIS = "convention: eps in the logarithm"


EPSILON = 1e-7


def binary_cross_entropy(input, target):
    yes, no = np.log(input + EPSILON), np.log(1 - input + EPSILON)
    return -np.mean(target * yes + (1 - target) * no)


def binary_cross_entropy_backward(input, target):
    grad = (1 - target) / (1 - input + EPSILON) - target / (input + EPSILON)
    return grad / input.size
