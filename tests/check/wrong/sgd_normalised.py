"""The gradient is divided by its norm, so that only its direction counts."""

import numpy as np

DIAGNOSIS = "mistake: gradient normalised"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * p.grad / np.linalg.norm(p.grad)
