"""The negative log-likelihood, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class NLLLoss:
    def forward(self, input, target):
        x, y, n = input, np.zeros_like(input), len(input)
        y[np.arange(n), target] = 1
        self.y, self.n = y, n
        return -(y * x).sum() / n

    def backward(self):
        return -self.y / self.n
