"""The slope exp(βx) / (1 + exp(βx)) is ∞/∞ for a large x."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(beta * x > threshold, x, np.logaddexp(0, beta * x) / beta)


def softplus_backward(grad_output, x, beta=1.0, threshold=20.0):
    power = np.exp(beta * x)
    slope = power / (1 + power)
    return grad_output * (slope + (beta * x > threshold) * (1 - slope))
