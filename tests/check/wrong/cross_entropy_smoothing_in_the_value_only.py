"""The labels are smoothed in the value, but the gradient uses the hard ones."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


class CrossEntropyLoss:
    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        n, c = input.shape
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        hard = np.eye(c, dtype=input.dtype)[target]
        soft = (1 - self.label_smoothing) * hard + self.label_smoothing / c
        self.grad = (np.exp(log_p) - hard) / n
        return -(soft * log_p).sum() / n

    def backward(self):
        return self.grad
