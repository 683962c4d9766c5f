"""Entries of the gradient beyond ±5 are cut off in silence."""

import numpy as np

DIAGNOSIS = "mistake: gradient clipped"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * np.clip(p.grad, -5, 5)
