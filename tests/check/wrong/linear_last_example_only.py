"""The loop over the batch assigns where it should add: only the last example counts."""

import numpy as np

DIAGNOSIS = "mistake: batch sum forgotten"


class Linear:
    def __init__(self, in_features, out_features):
        rng = np.random.default_rng(0)
        bound = in_features**-0.5
        self.weight = rng.uniform(-bound, bound, (out_features, in_features))
        self.bias = rng.uniform(-bound, bound, out_features)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        self.x = x
        return x @ self.weight.T + self.bias

    def backward(self, grad_output):
        for g, x in zip(grad_output, self.x, strict=True):
            batch_gradient = np.outer(g, x)
        self.grad_weight = self.grad_weight + batch_gradient
        self.grad_bias = self.grad_bias + grad_output.sum(axis=0)
        return grad_output @ self.weight
