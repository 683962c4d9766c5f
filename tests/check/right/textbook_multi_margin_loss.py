"""The hinge of several classes, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class MultiMarginLoss:
    def __init__(self, margin=1.0):
        self.margin = margin

    def forward(self, input, target):
        x, rows = input, np.arange(len(input))
        right = x[rows, target][:, None]
        terms = np.maximum(0, self.margin - right + x)
        terms[rows, target] = 0
        self.terms, self.target = terms, target
        return terms.sum() / x.size

    def backward(self):
        rows, t = np.arange(len(self.target)), self.target
        grad = (self.terms > 0).astype(self.terms.dtype)
        grad[rows, t] = -grad.sum(axis=1)
        return grad / grad.size
