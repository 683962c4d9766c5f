"""The linear layer with every product spelled in index letters."""

import numpy as np

DIAGNOSIS = "right"


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = None

    def add(self, grad):
        self.grad = grad if self.grad is None else self.grad + grad


class Linear:
    def __init__(self, in_features, out_features, bias=True):
        rng = np.random.default_rng(0)
        self.weight = Parameter(rng.normal(size=(out_features, in_features)))
        self.bias = Parameter(rng.normal(size=out_features)) if bias else None

    def forward(self, x):
        self.x = x
        y = np.einsum("ni,oi->no", x, self.weight.data)
        return y if self.bias is None else y + self.bias.data

    def backward(self, grad_output):
        self.weight.add(np.einsum("no,ni->oi", grad_output, self.x))
        if self.bias is not None:
            self.bias.add(np.einsum("no->o", grad_output))
        return np.einsum("no,oi->ni", grad_output, self.weight.data)
