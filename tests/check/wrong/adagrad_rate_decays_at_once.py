"""Already the first step has a smaller learning rate."""

import numpy as np

DIAGNOSIS = "mistake: lr_decay off by one"


class Adagrad:
    def __init__(
        self, params, lr=1e-2, lr_decay=0, initial_accumulator_value=0, eps=1e-10
    ):
        self.params = list(params)
        self.lr, self.lr_decay, self.eps = lr, lr_decay, eps
        self.sums = [
            np.full_like(p.data, initial_accumulator_value) for p in self.params
        ]
        self.t = 0

    def step(self):
        self.t += 1
        lr = self.lr / (1 + self.t * self.lr_decay)
        for p, s in zip(self.params, self.sums, strict=True):
            s += p.grad**2
            p.data = p.data - lr * p.grad / (np.sqrt(s) + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
