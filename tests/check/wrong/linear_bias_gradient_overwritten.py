"""The weight gradient accumulates, the bias gradient is replaced at every pass."""

import numpy as np

DIAGNOSIS = "convention: gradient overwritten"


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = None


class Linear:
    def __init__(self, in_features, out_features):
        rng = np.random.default_rng(0)
        self.weight = Parameter(rng.normal(size=(out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, grad_output):
        grad_weight = grad_output.T @ self.x
        if self.weight.grad is not None:
            grad_weight = grad_weight + self.weight.grad
        self.weight.grad = grad_weight
        self.bias.grad = grad_output.sum(axis=0)
        return grad_output @ self.weight.data
