"""The slope is the gate Φ(x) alone: the term x Φ′(x) is missing."""

import math

import numpy as np

DIAGNOSIS = "mistake: product rule"


def normal_share(x):
    halves = [math.erfc(-v / math.sqrt(2)) / 2 for v in x.ravel()]
    return np.array(halves, x.dtype).reshape(x.shape)


def gelu(x):
    return x * normal_share(x)


def gelu_backward(grad_output, x):
    return grad_output * normal_share(x)
