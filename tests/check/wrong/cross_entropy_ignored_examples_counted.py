"""Ignored examples add nothing to the sum but are still counted in the mean."""

import numpy as np

DIAGNOSIS = "mistake: mean over the ignored, too"


class CrossEntropyLoss:
    def __init__(self, ignore_index=-100):
        self.ignore_index = ignore_index

    def forward(self, input, target):
        shifted = input - input.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        kept = (target != self.ignore_index)[:, None]
        hit = (np.arange(input.shape[1]) == target[:, None]) & kept
        self.grad = (np.exp(log_p) * kept - hit) / len(target)
        return -log_p[hit].sum() / len(target)

    def backward(self):
        return self.grad
