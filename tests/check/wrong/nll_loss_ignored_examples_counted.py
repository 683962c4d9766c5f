"""Ignored examples add nothing to the sum but are still counted in the mean."""

import numpy as np

DIAGNOSIS = "mistake: mean over the ignored, too"


class NLLLoss:
    def __init__(self, ignore_index=-100):
        self.ignore_index = ignore_index

    def forward(self, input, target):
        hit = np.arange(input.shape[1]) == target[:, None]
        hit &= (target != self.ignore_index)[:, None]
        self.grad = -hit.astype(input.dtype) / len(target)
        return (self.grad * input).sum()

    def backward(self):
        return self.grad
