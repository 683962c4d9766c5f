"""The first step moves by the gradient, but leaves a velocity of 0 behind."""

import numpy as np

DIAGNOSIS = "mistake: momentum's first step"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = {}

    def step(self):
        for i, p in enumerate(self.params):
            if i not in self.velocity:
                self.velocity[i] = np.zeros_like(p.data)
                p.data = p.data - self.lr * p.grad
            else:
                self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                p.data = p.data - self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
