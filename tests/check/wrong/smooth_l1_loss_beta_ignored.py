"""The squared part always ends at 1, whatever beta says."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


class SmoothL1Loss:
    def __init__(self, beta=1.0):
        self.beta = beta

    def forward(self, input, target):
        self.error = input - target
        size = np.abs(self.error)
        return np.mean(np.where(size < 1, 0.5 * size**2, size - 0.5))

    def backward(self):
        return np.clip(self.error, -1, 1) / self.error.size
