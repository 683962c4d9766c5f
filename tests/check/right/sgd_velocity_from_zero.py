"""SGD with a velocity that starts at 0; without dampening that changes nothing."""

import numpy as np

DIAGNOSIS = "right"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for p, v in zip(self.params, self.velocity, strict=True):
            if p.grad is None:
                continue
            v *= self.momentum
            v += p.grad
            p.data = p.data - self.lr * v

    def zero_grad(self):
        for p in self.params:
            p.grad = np.zeros_like(p.data)
