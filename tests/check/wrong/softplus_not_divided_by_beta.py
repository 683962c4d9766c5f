"""The value is log(1 + exp(βx)) without the division by β, the slope as it is."""

import numpy as np

DIAGNOSIS = "mistake: not divided by β"


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(beta * x > threshold, x, np.logaddexp(0, beta * x))


def softplus_backward(grad_output, x, beta=1.0, threshold=20.0):
    slope = np.exp(-np.logaddexp(0, -beta * x))
    return np.where(beta * x > threshold, grad_output, grad_output * slope)
