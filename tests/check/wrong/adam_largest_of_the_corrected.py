"""amsgrad keeps the largest corrected average; torch corrects the largest one."""

import numpy as np

DIAGNOSIS = "mistake: amsgrad"


class Adam:
    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
    ):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.amsgrad = lr, betas, eps, amsgrad
        self.decay = weight_decay
        self.m = [np.zeros_like(p.data) for p in self.params]
        self.v = [np.zeros_like(p.data) for p in self.params]
        self.largest = [np.zeros_like(p.data) for p in self.params]
        self.t = 0

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            g = p.grad + self.decay * p.data
            self.m[i] = b1 * self.m[i] + (1 - b1) * g
            self.v[i] = b2 * self.v[i] + (1 - b2) * g**2
            v = self.v[i] / (1 - b2**self.t)
            if self.amsgrad:
                self.largest[i] = v = np.maximum(self.largest[i], v)
            p.data = p.data - self.lr * self.m[i] / (1 - b1**self.t) / (
                np.sqrt(v) + self.eps
            )

    def zero_grad(self):
        for p in self.params:
            p.grad = None
