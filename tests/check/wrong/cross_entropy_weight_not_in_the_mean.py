"""With class weights the sum is divided by the number of examples, not by Σ w[y]."""

import numpy as np

DIAGNOSIS = "mistake: weights not in the mean"


class CrossEntropyLoss:
    def __init__(self, weight=None):
        self.weight = weight

    def forward(self, input, target):
        n, c = input.shape
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        weight = np.ones(c, input.dtype) if self.weight is None else self.weight
        w, one_hot = weight[target], np.eye(c, dtype=input.dtype)[target]
        self.grad = w[:, None] * (np.exp(log_p) - one_hot) / n
        return -(w * log_p[np.arange(n), target]).sum() / n

    def backward(self):
        return self.grad
