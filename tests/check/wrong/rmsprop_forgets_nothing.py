"""All squares are added up: Adagrad."""

import numpy as np

DIAGNOSIS = "mistake: squares added up"


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        self.params = list(params)
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.squares = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v, g = self.squares[i], p.grad
            self.squares[i] = v = v + g**2
            p.data = p.data - self.lr * g / (np.sqrt(v) + self.eps)
