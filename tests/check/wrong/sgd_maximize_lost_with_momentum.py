"""maximize turns the plain gradient only; with momentum the loss is minimised."""

import numpy as np

DIAGNOSIS = "mistake: maximize ignored"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, *, maximize=False):
        self.params = list(params)
        self.lr, self.momentum, self.maximize = lr, momentum, maximize
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            move = -p.grad if self.maximize else p.grad
            if self.momentum:
                self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                move = self.velocity[i]
            p.data = p.data - self.lr * move

    def zero_grad(self):
        for p in self.params:
            p.grad = None
