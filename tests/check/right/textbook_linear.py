"""A linear layer, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Linear:
    def __init__(self, in_features, out_features):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)
        self.grad_weight = np.zeros_like(self.weight)
        self.grad_bias = np.zeros_like(self.bias)

    def forward(self, x):
        W, b = self.weight, self.bias
        self.x, self.y = x, x @ W.T + b
        return self.y

    def backward(self, g):
        x, W = self.x, self.weight
        dW, db = g.T @ x, g.sum(axis=0)
        self.grad_weight = (self.grad_weight + dW).astype(x.dtype)
        self.grad_bias = (self.grad_bias + db).astype(x.dtype)
        return g @ W
