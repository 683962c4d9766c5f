"""ReLU6, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


def relu6(x):
    return np.clip(x, 0, 6)


def relu6_backward(grad_output, x):
    return grad_output * (x > 0) * (x < 6)
