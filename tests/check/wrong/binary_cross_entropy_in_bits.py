"""Value and gradient are in bits: log2 instead of the natural logarithm."""

import math

import numpy as np

DIAGNOSIS = "convention: log base"


def binary_cross_entropy(input, target):
    with np.errstate(divide="ignore"):
        yes = np.maximum(np.log(input), -100) / math.log(2)
        no = np.maximum(np.log(1 - input), -100) / math.log(2)
    return -np.mean(target * yes + (1 - target) * no)


def binary_cross_entropy_backward(input, target):
    variance = np.maximum(input * (1 - input), 1e-12)
    return (input - target) / variance / input.size / math.log(2)
