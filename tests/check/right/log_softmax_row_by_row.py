"""The log-softmax of a table, one row after the other."""

import numpy as np

DIAGNOSIS = "right"


def log_softmax(x):
    y = np.empty_like(x)
    for i, row in enumerate(x):
        top = max(row)
        y[i] = row - top - np.log(sum(np.exp(row - top)))
    return y


def log_softmax_backward(grad_output, x):
    grad = np.empty_like(x)
    for i, row in enumerate(log_softmax(x)):
        grad[i] = grad_output[i] - np.exp(row) * sum(grad_output[i])
    return grad
