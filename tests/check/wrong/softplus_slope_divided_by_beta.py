"""The division by β is there, but the inner derivative β was forgotten."""

import numpy as np

DIAGNOSIS = "mistake: inner derivative"


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(beta * x > threshold, x, np.logaddexp(0, beta * x) / beta)


def softplus_backward(grad_output, x, beta=1.0, threshold=20.0):
    slope = np.exp(-np.logaddexp(0, -beta * x)) / beta
    return np.where(beta * x > threshold, grad_output, grad_output * slope)
