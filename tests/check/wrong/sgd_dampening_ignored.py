"""The argument dampening is accepted and never used."""

import numpy as np

DIAGNOSIS = "mistake: dampening ignored"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, dampening=0):
        self.params = list(params)
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            self.velocity[i] = self.momentum * self.velocity[i] + p.grad
            p.data = p.data - self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
