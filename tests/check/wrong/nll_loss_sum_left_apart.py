"""reduction="sum" returns one loss for each example instead of their sum."""

import numpy as np

DIAGNOSIS = "mistake: batch sum forgotten"


class NLLLoss:
    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def forward(self, input, target):
        self.grad = np.zeros_like(input)
        self.grad[np.arange(len(target)), target] = -1
        losses = -input[np.arange(len(target)), target]
        return losses.mean() if self.reduction == "mean" else losses

    def backward(self, grad_output=None):
        if self.reduction == "none":
            return grad_output[:, None] * self.grad
        return self.grad / len(self.grad) if self.reduction == "mean" else self.grad
