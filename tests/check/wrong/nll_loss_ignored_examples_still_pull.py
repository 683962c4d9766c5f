"""ignore_index is respected by the value, not by the gradient."""

import numpy as np

DIAGNOSIS = "mistake: value and gradient do not belong together"


class NLLLoss:
    def __init__(self, ignore_index=-100):
        self.ignore_index = ignore_index

    def forward(self, input, target):
        self.hit = np.arange(input.shape[1]) == target[:, None]
        self.hit = self.hit.astype(input.dtype)
        self.kept = target != self.ignore_index
        return -(self.hit * input)[self.kept].sum() / self.kept.sum().item()

    def backward(self):
        return -self.hit / self.kept.sum().item()
