"""Dropout, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Dropout:
    def __init__(self, p=0.5):
        self.p, self.training, self.rng = p, True, np.random.default_rng()

    def forward(self, x):
        p, self.x = self.p, x
        kept = (self.rng.random(x.shape) >= p).astype(x.dtype)
        scale = 1 / (1 - p) if p < 1 else 1.0
        self.mask = kept * scale if self.training else np.ones_like(x)
        self.y = x * self.mask
        return self.y

    def backward(self, g):
        return g * self.mask
