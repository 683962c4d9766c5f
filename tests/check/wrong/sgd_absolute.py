"""The gradient loses its sign, and all weights fall."""

import numpy as np

DIAGNOSIS = "mistake: absolute gradient"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * np.abs(p.grad)
