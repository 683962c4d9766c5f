"""The average of the squares starts at 0, and nothing makes up for it."""

import numpy as np

DIAGNOSIS = "mistake: bias correction missing"


class NAdam:
    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3
    ):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.psi = lr, betas, eps, momentum_decay
        self.m = [np.zeros_like(p.data) for p in self.params]
        self.v = [np.zeros_like(p.data) for p in self.params]
        self.t = 0
        self.product = 1.0

    def mu(self, t):
        return self.betas[0] * (1 - 0.5 * 0.96 ** (t * self.psi))

    def step(self):
        self.t += 1
        (b1, b2), mu, following = self.betas, self.mu(self.t), self.mu(self.t + 1)
        self.product *= mu
        for i, p in enumerate(self.params):
            self.m[i] = b1 * self.m[i] + (1 - b1) * p.grad
            self.v[i] = b2 * self.v[i] + (1 - b2) * p.grad**2
            ahead = following * self.m[i] / (1 - self.product * following)
            here = (1 - mu) * p.grad / (1 - self.product)
            root = np.sqrt(self.v[i])
            p.data = p.data - self.lr * (ahead + here) / (root + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
