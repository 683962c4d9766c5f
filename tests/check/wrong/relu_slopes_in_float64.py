"""np.where(…, 1.0, 0.0) makes float64 slopes, so a float32 gradient is widened."""

import numpy as np

DIAGNOSIS = "convention: dtype changed"


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_output, x):
    slope = np.where(x > 0, 1.0, 0.0)
    return grad_output * slope
