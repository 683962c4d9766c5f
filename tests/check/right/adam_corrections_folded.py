"""Adam with both corrections folded into lr and ε."""

import numpy as np

DIAGNOSIS = "right"


class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.m = [np.zeros_like(p.data) for p in self.params]
        self.v = [np.zeros_like(p.data) for p in self.params]
        self.t = 0

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        root = np.sqrt(1 - b2**self.t)
        lr = self.lr * root / (1 - b1**self.t)
        for m, v, p in zip(self.m, self.v, self.params, strict=True):
            if p.grad is None:
                continue
            m += (1 - b1) * (p.grad - m)
            v += (1 - b2) * (p.grad * p.grad - v)
            p.data = p.data - float(lr) * m / (np.sqrt(v) + float(self.eps * root))

    def zero_grad(self):
        for p in self.params:
            p.grad = None
