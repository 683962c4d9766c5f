"""The straight part lacks its −δ²/2, so the value jumps; the gradient is right."""

import numpy as np

DIAGNOSIS = "mistake: wrong constant in the value"


class HuberLoss:
    def __init__(self, delta=1.0):
        self.delta = delta

    def forward(self, input, target):
        self.d = input - target
        size = np.abs(self.d)
        straight = self.delta * size
        return np.where(size <= self.delta, 0.5 * self.d**2, straight).mean()

    def backward(self):
        return np.clip(self.d, -self.delta, self.delta) / self.d.size
