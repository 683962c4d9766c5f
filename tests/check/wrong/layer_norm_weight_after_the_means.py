"""The gradient is multiplied by the weight after its means were subtracted."""

import numpy as np

DIAGNOSIS = "mistake: weight after the means"


class LayerNorm:
    def __init__(self, normalized_shape, eps=1e-5):
        self.eps = eps
        self.axes = tuple(range(-np.size(normalized_shape), 0))
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
        rest = tuple(range(grad_output.ndim - len(self.axes)))
        grad_weight = (grad_output * self.x_hat).sum(axis=rest)
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=rest)
        g = grad_output
        g = g - self.mean(g) - self.x_hat * self.mean(g * self.x_hat)
        return self.weight * g / self.root
