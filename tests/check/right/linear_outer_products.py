"""The linear layer, its weight gradient as a sum of outer products."""

import numpy as np

DIAGNOSIS = "right"


class Linear:
    def __init__(self, in_features, out_features):
        rng = np.random.default_rng(0)
        self.weight = rng.normal(size=(out_features, in_features))
        self.bias = np.zeros(out_features)
        self.grad_weight = self.grad_bias = 0

    def __call__(self, x):
        self.x = x
        return (self.weight @ x.T).T + self.bias

    def backward(self, grad_output):
        for g, x in zip(grad_output, self.x, strict=True):
            self.grad_weight = self.grad_weight + np.outer(g, x)
            self.grad_bias = self.grad_bias + g
        return (self.weight.T @ grad_output.T).T
