"""np.float64(lr) is a NumPy scalar, which widens float32 parameters to float64."""

import numpy as np

DIAGNOSIS = "convention: dtype changed"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - np.float64(self.lr) * p.grad

    def zero_grad(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.grad = None
