"""Normalisation of rows, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


def mean(a):
    return a.mean(axis=-1, keepdims=True)


class LayerNorm:
    def __init__(self, normalized_shape, eps=1e-5):
        self.weight, self.bias = np.ones(normalized_shape), np.zeros(normalized_shape)
        self.grad_weight = self.grad_bias = 0
        self.eps = eps

    def forward(self, x):
        if self.weight.ndim > 1:
            raise NotImplementedError("rows only")
        self.x, w, b, eps = x, self.weight, self.bias, self.eps
        mu, var = mean(x), x.var(axis=-1, keepdims=True)
        self.std = np.sqrt(var + eps)
        self.x_hat = (x - mu) / self.std
        self.y = w * self.x_hat + b
        return self.y

    def backward(self, g):
        x_hat, std, w = self.x_hat, self.std, self.weight
        rest = tuple(range(g.ndim - 1))
        dw, db = (g * x_hat).sum(axis=rest), g.sum(axis=rest)
        self.grad_weight = self.grad_weight + dw
        self.grad_bias = self.grad_bias + db
        gw = g * w
        by_mean, by_var = mean(gw), x_hat * mean(gw * x_hat)
        return (gw - by_mean - by_var) / std
