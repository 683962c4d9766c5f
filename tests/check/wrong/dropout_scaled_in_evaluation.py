"""Scaled in training and, by 1 − p, in evaluation mode once more."""

import numpy as np

DIAGNOSIS = "mistake: dropout in evaluation mode"


class Dropout:
    def __init__(self, p=0.5):
        self.p = p
        self.training = True
        self.rng = np.random.default_rng()

    def draw(self, x):
        keep = self.rng.random(x.shape) >= self.p
        return keep.astype(x.dtype) / (1 - self.p if self.p < 1 else 1)

    def forward(self, x):
        self.factors = self.draw(x) if self.training else 1 - self.p
        return x * self.factors

    def backward(self, grad_output):
        return grad_output * self.factors
