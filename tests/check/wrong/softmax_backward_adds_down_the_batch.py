"""The forward pass respects dim, the backward pass always adds along axis 0."""

import numpy as np

DIAGNOSIS = "mistake: wrong axis"


class Softmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        powers = np.exp(x - x.max(axis=self.dim, keepdims=True))
        self.y = powers / powers.sum(axis=self.dim, keepdims=True)
        return self.y

    def backward(self, grad_output):
        mean = (grad_output * self.y).sum(axis=0, keepdims=True)
        return self.y * (grad_output - mean)
