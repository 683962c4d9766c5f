"""The maximum is subtracted in place, from the caller's own array."""

import numpy as np

DIAGNOSIS = "mistake: input mutated"


class Softmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        x -= x.max(axis=self.dim, keepdims=True)
        powers = np.exp(x)
        self.y = powers / powers.sum(axis=self.dim, keepdims=True)
        return self.y

    def backward(self, grad_output):
        along = (grad_output * self.y).sum(axis=self.dim, keepdims=True)
        return self.y * (grad_output - along)
