"""The log-softmax with NumPy's logaddexp in the place of log Σ exp."""

import numpy as np

DIAGNOSIS = "right"


class LogSoftmax:
    def __init__(self, dim=None):
        self.dim = dim

    def forward(self, x):
        x = x - x.max(axis=self.dim, keepdims=True)
        self.y = x - np.logaddexp.reduce(x, axis=self.dim, keepdims=True)
        return self.y

    def backward(self, grad_output):
        total = grad_output.sum(axis=self.dim, keepdims=True)
        return grad_output - total * np.exp(self.y)
