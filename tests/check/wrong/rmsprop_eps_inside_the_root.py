"""ε is added under the root."""

import numpy as np

DIAGNOSIS = "mistake: eps inside the root"


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        self.params = list(params)
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.squares = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for p, v in zip(self.params, self.squares, strict=True):
            v *= self.alpha
            v += (1 - self.alpha) * p.grad**2
            p.data = p.data - self.lr * p.grad / np.sqrt(v + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
