"""The weight gets one gradient matrix for each example instead of their sum."""

import numpy as np

DIAGNOSIS = "mistake: batch sum forgotten"


class Linear:
    def __init__(self, in_features, out_features, bias=True):
        rng = np.random.default_rng(0)
        bound = in_features**-0.5
        self.weight = rng.uniform(-bound, bound, (out_features, in_features))
        self.bias = rng.uniform(-bound, bound, out_features) if bias else None
        self.weight_grad = self.bias_grad = 0

    def forward(self, x):
        self.x = x
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias

    def backward(self, grad_output):
        outer = np.einsum("no,ni->noi", grad_output, self.x)
        self.weight_grad = self.weight_grad + outer
        self.bias_grad = self.bias_grad + grad_output.sum(axis=0)
        return grad_output @ self.weight
