"""L1 minus what the rounded tip saves: ½ (β − |d|)² / β where |d| < β."""

import numpy as np

DIAGNOSIS = "right"


class SmoothL1Loss:
    def __init__(self, reduction="mean", beta=1.0):
        self.reduction, self.beta = reduction, beta

    def forward(self, input, target):
        self.error = input - target
        size, losses = np.abs(self.error), np.abs(self.error)
        if self.beta:
            inside = np.maximum(self.beta - size, 0)
            losses = size - 0.5 * self.beta + 0.5 * inside**2 / self.beta
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()

    def backward(self, grad_output=1):
        slope = np.sign(self.error)
        if self.beta:
            inside = np.maximum(self.beta - np.abs(self.error), 0)
            slope = slope * (1 - inside / self.beta)
        slope = grad_output * slope
        return slope / slope.size if self.reduction == "mean" else slope
