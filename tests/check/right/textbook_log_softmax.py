"""The logarithm of the softmax, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class LogSoftmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        dim = self.dim
        shifted = x - x.max(axis=dim, keepdims=True)
        self.y = shifted - np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
        return self.y

    def backward(self, g):
        p, dim = np.exp(self.y), self.dim
        return g - p * g.sum(axis=dim, keepdims=True)
