"""The linear layer as two functions without memory."""

import numpy as np

DIAGNOSIS = "right"


def linear(x, weight, bias):
    return np.inner(x, weight) + bias


def linear_backward(grad_output, x, weight, bias):
    ones = np.ones_like(grad_output[:, 0])
    return grad_output.dot(weight), np.dot(x.T, grad_output).T, ones @ grad_output
