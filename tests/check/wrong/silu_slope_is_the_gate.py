"""The slope is σ(x) alone: the term x σ′(x) of the product is missing."""

import numpy as np

DIAGNOSIS = "mistake: product rule"


class SiLU:
    def forward(self, x):
        small = np.exp(-np.abs(x))
        self.gate = np.where(x >= 0, 1, small) / (1 + small)
        return x * self.gate

    def backward(self, grad_output):
        return grad_output * self.gate
