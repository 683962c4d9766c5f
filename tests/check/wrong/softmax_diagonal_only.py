"""Only the Jacobian's diagonal y (1 − y) is used, as if shares did not compete."""

import numpy as np

DIAGNOSIS = "mistake: diagonal of the Jacobian only"


class Softmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        powers = np.exp(x - x.max(axis=self.dim, keepdims=True))
        self.y = powers / powers.sum(axis=self.dim, keepdims=True)
        return self.y

    def backward(self, grad_output):
        return grad_output * self.y * (1 - self.y)
