"""n bits hold −2ⁿ⁻¹ too, and the scale reaches down to it."""

import numpy as np

DIAGNOSIS = "mistake: one level too many"


class Parameter:
    def __init__(self, data):
        self.data = data
        self.grad = 0


def quantized(w, bits):
    if bits == "binary":
        return np.where(w >= 0, 1, -1) * abs(w).mean()
    if bits == "ternary":
        s = abs(w).mean()
        return np.clip(np.round(w / s), -1, 1) * s
    s = abs(w).max() / (2 ** (bits - 1) - 0.5)
    return np.round(w / s) * s


class QuantizedLinear:
    def __init__(self, in_features, out_features, bits, bias=True):
        self.bits = bits
        self.weight = Parameter(np.ones((out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features)) if bias else None

    def forward(self, x):
        self.x, self.used = x, quantized(self.weight.data, self.bits)
        y = x @ self.used.T
        return y if self.bias is None else y + self.bias.data

    def backward(self, grad_output):
        outputs, inputs = self.used.shape
        rows = grad_output.reshape(-1, outputs)
        grad = rows.T @ self.x.reshape(-1, inputs)
        self.weight.grad = self.weight.grad + grad
        if self.bias is not None:
            self.bias.grad = self.bias.grad + rows.sum(axis=0)
        return grad_output @ self.used
