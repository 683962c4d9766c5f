"""The bias as the weight of an input that is always 1."""

import numpy as np

DIAGNOSIS = "right"


class Linear:
    def __init__(self, in_features, out_features):
        rng = np.random.default_rng(0)
        self.weight = rng.normal(size=(out_features, in_features))
        self.bias = rng.normal(size=out_features)
        self.weight_grad = self.bias_grad = 0

    def forward(self, x):
        self.x = np.column_stack([x, np.ones_like(x[:, :1])])
        return self.x @ np.column_stack([self.weight, self.bias]).T

    def backward(self, grad_output):
        both = grad_output.T @ self.x
        self.weight_grad = self.weight_grad + both[:, :-1]
        self.bias_grad = self.bias_grad + both[:, -1]
        return grad_output @ self.weight
