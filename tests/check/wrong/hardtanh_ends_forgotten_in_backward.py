"""The backward pass always cuts at ±1, whatever min_val and max_val are."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


def hardtanh(x, min_val=-1.0, max_val=1.0):
    return np.minimum(np.maximum(x, min_val), max_val)


def hardtanh_backward(grad_output, x, min_val=-1.0, max_val=1.0):
    return grad_output * (np.abs(x) < 1)
