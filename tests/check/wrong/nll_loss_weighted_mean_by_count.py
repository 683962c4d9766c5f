"""With class weights the sum is divided by the number of examples, not by Σ w[y]."""

import numpy as np

DIAGNOSIS = "mistake: weights not in the mean"


class NLLLoss:
    def __init__(self, weight=None):
        self.weight = weight

    def forward(self, input, target):
        n, c = input.shape
        weight = np.ones(c, input.dtype) if self.weight is None else self.weight
        rows = np.arange(n)
        self.grad = np.zeros_like(input)
        self.grad[rows, target] = -weight[target] / n
        return np.sum(self.grad * input)

    def backward(self):
        return self.grad
