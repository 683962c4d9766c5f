"""Label smoothing as (1 − ε) times the usual loss plus ε times a mean over classes."""

import numpy as np

DIAGNOSIS = "right"


class CrossEntropyLoss:
    def __init__(self, reduction="mean", label_smoothing=0.0):
        self.reduction, self.eps = reduction, label_smoothing

    def forward(self, input, target):
        rows, c = np.arange(len(input)), input.shape[1]
        log_p = input - input.max(axis=1, keepdims=True)
        log_p = log_p - np.log(np.sum(np.exp(log_p), axis=1, keepdims=True))
        self.slope = np.exp(log_p) - self.eps / c
        self.slope[rows, target] -= 1 - self.eps
        losses = -(1 - self.eps) * log_p[rows, target] - self.eps * log_p.mean(axis=1)
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()

    def backward(self, grad_output=None):
        if self.reduction == "none":
            return grad_output[:, None] * self.slope
        return self.slope / len(self.slope) if self.reduction == "mean" else self.slope
