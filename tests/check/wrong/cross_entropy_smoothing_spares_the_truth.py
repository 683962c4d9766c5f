"""The smoothing ε is shared by the C − 1 wrong classes; torch shares it by all C."""

import numpy as np

DIAGNOSIS = "mistake: smoothing spares the right class"


class CrossEntropyLoss:
    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        n, c = input.shape
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        q = np.full_like(input, self.label_smoothing / (c - 1))
        q[np.arange(n), target] = 1 - self.label_smoothing
        self.grad = (np.exp(log_p) - q) / n
        return -(q * log_p).sum() / n

    def backward(self):
        return self.grad
