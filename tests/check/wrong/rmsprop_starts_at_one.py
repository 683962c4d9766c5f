"""The average of the squares starts at 1."""

import numpy as np

DIAGNOSIS = "mistake: average starts at 1"


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        self.params = list(params)
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.squares = [np.ones_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v, g = self.squares[i], p.grad
            self.squares[i] = v = self.alpha * v + (1 - self.alpha) * g**2
            p.data = p.data - self.lr * g / (np.sqrt(v) + self.eps)
