"""The weights shrink by lr·λ on their own; the decay never enters the velocity."""

import numpy as np

DIAGNOSIS = "mistake: weight decay decoupled"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, weight_decay=0):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            self.velocity[i] = self.momentum * self.velocity[i] + p.grad
            p.data = (1 - self.lr * self.weight_decay) * p.data
            p.data = p.data - self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
