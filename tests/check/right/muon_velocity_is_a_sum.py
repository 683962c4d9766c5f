"""The velocity is a sum, not an average: its size is divided away again."""

import numpy as np

DIAGNOSIS = "right"


class Muon:
    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True):
        self.params = list(params)
        self.lr, self.decay = lr, weight_decay
        self.mu, self.nesterov = momentum, nesterov
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def direction(self, d):
        x = d / max(np.linalg.norm(d), 1e-7)
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x - 4.775 * gram @ x + 2.0315 * gram @ gram @ x
        return x

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g, mu = p.grad, self.mu
            v = self.velocity[i] = mu * self.velocity[i] + g
            d = g + mu * v if self.nesterov else v
            rows, columns = p.data.shape
            lr = self.lr * max(1, rows / columns) ** 0.5
            shrunk = (1 - self.lr * self.decay) * p.data
            p.data = shrunk - lr * self.direction(d)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
