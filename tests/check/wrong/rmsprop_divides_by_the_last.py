"""It divides by the root first and takes the new square in afterwards."""

import numpy as np

DIAGNOSIS = "mistake: average one step late"


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        self.params = list(params)
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.squares = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v = self.squares[i]
            p.data = p.data - self.lr * p.grad / (np.sqrt(v) + self.eps)
            self.squares[i] = self.alpha * v + (1 - self.alpha) * p.grad**2
