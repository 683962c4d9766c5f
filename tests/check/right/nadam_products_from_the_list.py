"""NAdam with all μ in a list, multiplied anew at every step."""

import math

DIAGNOSIS = "right"


class NAdam:
    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3
    ):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.psi = lr, betas, eps, momentum_decay
        self.m = [0 * p.data for p in self.params]
        self.v = [0 * p.data for p in self.params]
        self.mus = [self.mu(1)]

    def mu(self, t):
        return self.betas[0] * (1 - 0.96 ** (t * self.psi) / 2)

    def step(self):
        (b1, b2), t = self.betas, len(self.mus)
        self.mus.append(self.mu(t + 1))
        now, ahead = 1 - math.prod(self.mus[:-1]), 1 - math.prod(self.mus)
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.m[i] = self.m[i] + (1 - b1) * (p.grad - self.m[i])
            self.v[i] = self.v[i] + (1 - b2) * (p.grad**2 - self.v[i])
            m = self.mus[-1] / ahead * self.m[i] + (1 - self.mus[-2]) / now * p.grad
            root = (self.v[i] / (1 - b2**t)) ** 0.5
            p.data = p.data - self.lr * m / (root + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
