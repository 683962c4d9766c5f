"""With p = 2 the gradient lacks the 2 of the square."""

import numpy as np

DIAGNOSIS = "mistake: factor ½"


class MultiMarginLoss:
    def __init__(self, p=1, margin=1.0):
        self.p, self.margin = p, margin

    def forward(self, input, target):
        self.rows, self.target = np.arange(len(target)), target
        right = input[self.rows, target]
        self.missing = np.maximum(0, self.margin - right[:, None] + input)
        self.missing[self.rows, target] = 0
        return np.mean(self.missing**self.p)

    def backward(self):
        grad = np.sign(self.missing) if self.p == 1 else self.missing.copy()
        grad[self.rows, self.target] = -grad.sum(axis=1)
        return grad / grad.size
