"""The new square gets the share ρ, the past only 1 − ρ."""

import numpy as np

DIAGNOSIS = "mistake: shares swapped"


class Adadelta:
    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6):
        self.params = list(params)
        self.lr, self.rho, self.eps = lr, rho, eps
        self.squares = [np.zeros_like(p.data) for p in self.params]
        self.moves = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        rho = 1 - self.rho
        for i, p in enumerate(self.params):
            v, u = self.squares[i], self.moves[i]
            self.squares[i] = v = rho * v + (1 - rho) * p.grad**2
            delta = np.sqrt(u + self.eps) / np.sqrt(v + self.eps) * p.grad
            self.moves[i] = rho * u + (1 - rho) * delta**2
            p.data = p.data - self.lr * delta

    def zero_grad(self):
        for p in self.params:
            p.grad = None
