"""The value is a mean, but p − y is not divided by the number of examples."""

import numpy as np

DIAGNOSIS = "mistake: 1/N missing"


class CrossEntropyLoss:
    def forward(self, input, target):
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.log_p, self.target = log_p, target
        return -log_p[np.arange(len(target)), target].mean()

    def backward(self):
        grad = np.exp(self.log_p)
        grad[np.arange(len(grad)), self.target] -= 1
        return grad
