"""U Vᵀ by the singular value decomposition; torch's five steps only come near it."""

import numpy as np

DIAGNOSIS = "mistake: Newton–Schulz"


class Muon:
    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True):
        self.params = list(params)
        self.lr, self.decay = lr, weight_decay
        self.mu, self.nesterov = momentum, nesterov
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def direction(self, d):
        u, _, v = np.linalg.svd(d, full_matrices=False)
        return u @ v

    def step(self):
        for i, p in enumerate(self.params):
            g, mu = p.grad, self.mu
            v = self.velocity[i] = mu * self.velocity[i] + (1 - mu) * g
            d = mu * v + (1 - mu) * g if self.nesterov else v
            rows, columns = p.data.shape
            lr = self.lr * max(1, rows / columns) ** 0.5
            shrunk = (1 - self.lr * self.decay) * p.data
            p.data = shrunk - lr * self.direction(d)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
