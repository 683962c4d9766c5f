"""delta is kept, but always 1 is used."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


class HuberLoss:
    def __init__(self, reduction="mean", delta=1.0):
        self.reduction, self.delta = reduction, delta

    def forward(self, input, target):
        self.error = input - target
        size = np.abs(self.error)
        losses = np.where(size <= 1, 0.5 * size**2, size - 0.5)
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()

    def backward(self, grad_output=1):
        slope = grad_output * np.clip(self.error, -1, 1)
        return slope / slope.size if self.reduction == "mean" else slope
