"""The gradients start as float64 zeros, so float32 training sums into float64."""

import numpy as np

DIAGNOSIS = "convention: dtype changed"


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = np.zeros(data.shape)


class Linear:
    def __init__(self, in_features, out_features):
        rng = np.random.default_rng(0)
        self.weight = Parameter(rng.normal(size=(out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, grad_output):
        self.weight.grad += grad_output.T @ self.x
        self.bias.grad += grad_output.sum(axis=0)
        return grad_output @ self.weight.data
