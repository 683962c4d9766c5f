"""Every weight moves by lr, however steep it is."""

import numpy as np

DIAGNOSIS = "mistake: sign of the gradient alone"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * np.sign(p.grad)
