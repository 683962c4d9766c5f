"""Hardtanh, entry by entry."""

import numpy as np

DIAGNOSIS = "right"


def hardtanh(x, min_val=-1.0, max_val=1.0):
    y = [min(max(v, min_val), max_val) for v in x.ravel()]
    return np.array(y, x.dtype).reshape(x.shape)


def hardtanh_backward(grad_output, x, min_val=-1.0, max_val=1.0):
    inside = [min_val < v < max_val for v in x.ravel()]
    return np.where(np.reshape(inside, x.shape), grad_output, 0)
