"""The velocity holds lr·g, so a changed lr takes effect only little by little."""

import numpy as np

DIAGNOSIS = "convention: lr inside the velocity"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            self.velocity[i] = self.momentum * self.velocity[i] + self.lr * p.grad
            p.data = p.data - self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
