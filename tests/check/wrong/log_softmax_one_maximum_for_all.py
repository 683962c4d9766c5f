"""One maximum is taken out of all rows, so a row far below it sums to 0."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


class LogSoftmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        shifted = x - x.max()
        total = np.exp(shifted).sum(axis=self.dim, keepdims=True)
        self.y = shifted - np.log(total)
        return self.y

    def backward(self, grad_output):
        total = grad_output.sum(axis=self.dim, keepdims=True)
        return grad_output - np.exp(self.y) * total
