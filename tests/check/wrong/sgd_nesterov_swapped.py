"""Nesterov moves by v + μ g; it should be g + μ v."""

import numpy as np

DIAGNOSIS = "mistake: nesterov's look-ahead wrong"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            v = self.momentum * self.velocity[i] + p.grad
            self.velocity[i] = v
            move = v + self.momentum * p.grad if self.nesterov else v
            p.data = p.data - self.lr * move

    def zero_grad(self):
        for p in self.params:
            p.grad = None
