"""The argument nesterov is accepted and never used."""

import numpy as np

DIAGNOSIS = "mistake: nesterov ignored"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            self.velocity[i] = self.momentum * self.velocity[i] + p.grad
            p.data = p.data - self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
