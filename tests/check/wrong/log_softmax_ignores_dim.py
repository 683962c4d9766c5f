"""The sum always runs along the last axis, whatever dim says."""

import numpy as np

DIAGNOSIS = "mistake: wrong axis"


class LogSoftmax:
    def __init__(self, dim=None):
        self.dim = dim

    def __call__(self, x):
        shifted = x - x.max(axis=-1, keepdims=True)
        self.y = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        return self.y

    def backward(self, grad_output):
        return grad_output - np.exp(self.y) * grad_output.sum(axis=-1, keepdims=True)
