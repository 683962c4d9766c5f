"""L1 with the three cases above, below and equal, and all reductions."""

import numpy as np

DIAGNOSIS = "right"


class L1Loss:
    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def forward(self, input, target):
        error = input - target
        self.sign = np.zeros_like(error)
        self.sign[error > 0] = 1
        self.sign[error < 0] = -1
        losses = self.sign * error
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()

    def backward(self, grad_output=1):
        grad = grad_output * self.sign
        return grad / grad.size if self.reduction == "mean" else grad
