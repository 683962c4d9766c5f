"""The squared mean is added to the mean square."""

import numpy as np

DIAGNOSIS = "mistake: centered"


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, centered=False):
        self.params = list(params)
        self.lr, self.alpha, self.eps, self.centered = lr, alpha, eps, centered
        self.squares = [np.zeros_like(p.data) for p in self.params]
        self.means = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        a = self.alpha
        for i, p in enumerate(self.params):
            self.squares[i] = a * self.squares[i] + (1 - a) * p.grad**2
            self.means[i] = a * self.means[i] + (1 - a) * p.grad
            spread = self.squares[i]
            if self.centered:
                spread = spread + self.means[i] ** 2
            p.data = p.data - self.lr * p.grad / (np.sqrt(spread) + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
