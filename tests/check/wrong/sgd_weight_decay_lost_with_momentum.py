"""The decay is added in the plain branch only; with momentum it is gone."""

import numpy as np

DIAGNOSIS = "mistake: weight decay missing"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, weight_decay=0):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if self.momentum:
                self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                p.data = p.data - self.lr * self.velocity[i]
            else:
                p.data = p.data - self.lr * (p.grad + self.weight_decay * p.data)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
