"""The class weights multiply the value; the gradient is the unweighted one."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


class CrossEntropyLoss:
    def __init__(self, weight=None):
        self.weight = weight

    def forward(self, input, target):
        n, c = input.shape
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        weight = np.ones(c, input.dtype) if self.weight is None else self.weight
        w = weight[target]
        self.grad = (np.exp(log_p) - np.eye(c, dtype=input.dtype)[target]) / n
        return -(w * log_p[np.arange(n), target]).sum() / w.sum()

    def backward(self):
        return self.grad
