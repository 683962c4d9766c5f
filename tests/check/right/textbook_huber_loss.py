"""Huber's loss, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class HuberLoss:
    def __init__(self, delta=1.0):
        self.delta = delta

    def forward(self, input, target):
        d, delta = input - target, self.delta
        self.d, size = d, np.abs(d)
        return np.where(size <= delta, d**2 / 2, delta * (size - delta / 2)).mean()

    def backward(self):
        d, delta, n = self.d, self.delta, self.d.size
        return np.where(np.abs(d) <= delta, d, delta * np.sign(d)) / n
