"""The squared part has lost its ½, in the value and in the gradient."""

import numpy as np

DIAGNOSIS = "mistake: ½ of the squared part missing"


class HuberLoss:
    def __init__(self, delta=1.0):
        self.delta = delta

    def forward(self, input, target):
        self.error, d = input - target, self.delta
        size = np.abs(self.error)
        self.small = size <= d
        return np.mean(np.where(self.small, size**2, d * (size - 0.5 * d)))

    def backward(self):
        straight = self.delta * np.sign(self.error)
        return np.where(self.small, 2 * self.error, straight) / self.error.size
