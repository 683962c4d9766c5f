"""Value and gradient are in bits: log2 instead of the natural logarithm."""

import math

import numpy as np

DIAGNOSIS = "convention: log base"


class CrossEntropyLoss:
    def __call__(self, input, target):
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.log_p, self.target = log_p, target
        return -log_p[np.arange(len(target)), target].mean() / math.log(2)

    def backward(self):
        grad = np.exp(self.log_p)
        grad[np.arange(len(grad)), self.target] -= 1
        return grad / len(grad) / math.log(2)
