"""No gradient is taken for a gradient of 0, so that weight decay goes on."""

import numpy as np

DIAGNOSIS = "mistake: parameter without gradient changed"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0.0):
        self.params = list(params)
        self.lr, self.decay = lr, weight_decay

    def step(self):
        for p in self.params:
            grad = np.zeros_like(p.data) if p.grad is None else p.grad
            p.data = p.data - self.lr * (grad + self.decay * p.data)
