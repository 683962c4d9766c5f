"""Normalised over the examples, which is what a batch norm does."""

import numpy as np

DIAGNOSIS = "mistake: wrong axis"


class LayerNorm:
    def __init__(self, normalized_shape, eps=1e-5):
        self.eps = eps
        self.axes = (0,)
        self.last = np.size(normalized_shape)
        self.weight = np.ones(normalized_shape)
        self.bias = np.zeros(normalized_shape)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        mean = x.mean(axis=self.axes, keepdims=True)
        var = x.var(axis=self.axes, keepdims=True)
        self.root = np.sqrt(var + self.eps)
        self.x_hat = (x - mean) / self.root
        return self.weight * self.x_hat + self.bias

    def mean(self, values):
        return values.mean(axis=self.axes, keepdims=True)

    def backward(self, grad_output):
        rest = tuple(range(grad_output.ndim - self.last))
        grad_weight = (grad_output * self.x_hat).sum(axis=rest)
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=rest)
        g = grad_output * self.weight
        g = g - self.mean(g) - self.x_hat * self.mean(g * self.x_hat)
        return g / self.root
