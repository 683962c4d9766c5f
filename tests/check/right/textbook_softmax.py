"""Softmax, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Softmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        dim = self.dim
        e = np.exp(x - x.max(axis=dim, keepdims=True))
        self.x, self.y = x, e / e.sum(axis=dim, keepdims=True)
        return self.y

    def backward(self, g):
        y, dim = self.y, self.dim
        return y * (g - (g * y).sum(axis=dim, keepdims=True))
