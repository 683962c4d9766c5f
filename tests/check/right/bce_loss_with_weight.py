"""Cross-entropy of probabilities with weights, loss by loss divided before the sum."""

import numpy as np

DIAGNOSIS = "right"


class BCELoss:
    def __init__(self, weight=None, reduction="mean"):
        self.weight, self.reduction = weight, reduction

    def forward(self, input, target):
        share = np.ones_like(input)
        if self.weight is not None:
            share = share * self.weight
        if self.reduction == "mean":
            share = share / input.size
        self.slope = (input - target) / np.maximum(input * (1 - input), 1e-12)
        self.share = share
        with np.errstate(divide="ignore"):
            yes, no = np.log(input), np.log(1 - input)
        losses = target * np.maximum(yes, -100) + (1 - target) * np.maximum(no, -100)
        return -share * losses if self.reduction == "none" else -np.sum(share * losses)

    def backward(self, grad_output=1):
        return grad_output * self.share * self.slope
