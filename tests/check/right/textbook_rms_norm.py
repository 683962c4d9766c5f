"""Root-mean-square normalisation of rows, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


def mean(a):
    return a.mean(axis=-1, keepdims=True)


class RMSNorm:
    def __init__(self, normalized_shape, eps=2.0**-52):
        self.weight, self.grad_weight = np.ones(normalized_shape), 0
        self.eps = eps

    def forward(self, x):
        if self.weight.ndim > 1:
            raise NotImplementedError("rows only")
        self.r = 1 / np.sqrt(mean(x**2) + self.eps)
        self.x_hat = x * self.r
        return self.weight * self.x_hat

    def backward(self, g):
        x_hat, w = self.x_hat, self.weight
        dw = (g * x_hat).reshape(-1, len(w)).sum(axis=0)
        self.grad_weight = self.grad_weight + dw
        gw = g * w
        return self.r * (gw - x_hat * mean(gw * x_hat))
