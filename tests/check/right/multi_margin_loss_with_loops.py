"""The margin, example by example and class by class."""

import numpy as np

DIAGNOSIS = "right"


class MultiMarginLoss:
    def __init__(self, p=1, margin=1.0, weight=None):
        self.p, self.margin, self.weight = p, margin, weight

    def forward(self, input, target):
        n, classes = input.shape
        self.grad = np.zeros_like(input)
        total = 0
        for i, right in enumerate(target):
            share = 1 if self.weight is None else self.weight[right]
            for c in range(classes):
                missing = self.margin - input[i, right] + input[i, c]
                if c != right and missing > 0:
                    total += share * missing**self.p
                    slope = share * self.p * missing ** (self.p - 1)
                    self.grad[i, c] += slope / (n * classes)
                    self.grad[i, right] -= slope / (n * classes)
        return total / (n * classes)

    def backward(self):
        return self.grad
