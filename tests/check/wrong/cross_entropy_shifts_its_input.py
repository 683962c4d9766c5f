"""The row maximum is subtracted in place, from the caller's own logits."""

import numpy as np

DIAGNOSIS = "mistake: input mutated"


class CrossEntropyLoss:
    def forward(self, input, target):
        input -= input.max(axis=1, keepdims=True)
        self.log_p = input - np.log(np.exp(input).sum(axis=1, keepdims=True))
        self.target = target
        return -self.log_p[np.arange(len(target)), target].mean()

    def backward(self):
        grad = np.exp(self.log_p)
        grad[np.arange(len(grad)), self.target] -= 1
        return grad / len(grad)
