"""exp(x) / (1 + exp(x)) is right until exp overflows; then it is ∞/∞."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def sigmoid(x):
    return np.exp(x) / (1 + np.exp(x))


def sigmoid_backward(grad_output, x):
    y = sigmoid(x)
    return grad_output * y * (1 - y)
