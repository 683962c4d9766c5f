"""The softmax is stable, but the logarithm of a share rounded to 0 is −∞."""

import numpy as np

DIAGNOSIS = "convention: logarithm of the softmax"


class CrossEntropyLoss:
    def forward(self, input, target):
        powers = np.exp(input - input.max(axis=1, keepdims=True))
        self.p = powers / powers.sum(axis=1, keepdims=True)
        self.target = target
        return -np.log(self.p[np.arange(len(target)), target]).mean()

    def backward(self):
        grad = self.p.copy()
        grad[np.arange(len(grad)), self.target] -= 1
        return grad / len(grad)
