"""Nesterov looks ahead along the velocity from before its update."""

import numpy as np

DIAGNOSIS = "mistake: nesterov ignored"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            old = self.velocity[i]
            self.velocity[i] = self.momentum * old + p.grad
            ahead = p.grad + self.momentum * old
            p.data = p.data - self.lr * (ahead if self.nesterov else self.velocity[i])

    def zero_grad(self):
        for p in self.params:
            p.grad = None
