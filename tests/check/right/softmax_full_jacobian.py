"""The softmax with the whole Jacobian diag(y) − y yᵀ of each row written out."""

import numpy as np

DIAGNOSIS = "right"


class Softmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        powers = np.exp(x - np.max(x, axis=self.dim, keepdims=True))
        self.y = powers / np.sum(powers, axis=self.dim, keepdims=True)
        return self.y

    def backward(self, grad_output):
        y = np.moveaxis(self.y, self.dim, -1)
        grad = np.moveaxis(grad_output, self.dim, -1)
        jacobian = y[..., None] * np.eye(y.shape[-1], dtype=y.dtype)
        jacobian = jacobian - y[..., None] * y[..., None, :]
        return np.moveaxis((jacobian @ grad[..., None])[..., 0], -1, self.dim)
