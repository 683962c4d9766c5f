"""The gradient passes at exactly min_val and max_val; autograd takes 0."""

import numpy as np

DIAGNOSIS = "convention: kink value"


def hardtanh(x, min_val=-1.0, max_val=1.0):
    return np.clip(x, min_val, max_val)


def hardtanh_backward(grad_output, x, min_val=-1.0, max_val=1.0):
    return grad_output * ((x >= min_val) & (x <= max_val))
