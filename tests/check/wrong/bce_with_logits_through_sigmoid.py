"""The sigmoid rounds to 0 or 1 first, and its logarithm is then −∞."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


class BCEWithLogitsLoss:
    def forward(self, input, target):
        small = np.exp(-np.abs(input))
        self.p = np.where(input >= 0, 1, small) / (1 + small)
        self.target = target
        losses = target * np.log(self.p) + (1 - target) * np.log(1 - self.p)
        return -losses.mean()

    def backward(self):
        return (self.p - self.target) / self.p.size
