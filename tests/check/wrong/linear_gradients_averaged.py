"""Both parameter gradients are divided by the batch size, as if the loss did not."""

import numpy as np

DIAGNOSIS = "mistake: 1/N too often"


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = None

    def add(self, grad):
        self.grad = grad if self.grad is None else self.grad + grad


class Linear:
    def __init__(self, in_features, out_features):
        rng = np.random.default_rng(0)
        self.weight = Parameter(rng.normal(size=(out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, grad_output):
        n = len(grad_output)
        self.weight.add(grad_output.T @ self.x / n)
        self.bias.add(grad_output.sum(axis=0) / n)
        return grad_output @ self.weight.data
