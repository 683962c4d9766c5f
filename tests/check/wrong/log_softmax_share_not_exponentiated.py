"""The backward pass multiplies by log-shares where it needs the shares."""

import numpy as np

DIAGNOSIS = "mistake: logarithm in place of the probability"


class LogSoftmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        shifted = x - x.max(axis=self.dim, keepdims=True)
        total = np.exp(shifted).sum(axis=self.dim, keepdims=True)
        self.y = shifted - np.log(total)
        return self.y

    def backward(self, grad_output):
        return grad_output - self.y * grad_output.sum(axis=self.dim, keepdims=True)
