"""The average is corrected for its start at 0, as Adam's is."""

import numpy as np

DIAGNOSIS = "mistake: bias correction that is not there"


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        self.params = list(params)
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.t = 0
        self.squares = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        self.t += 1
        for p, v in zip(self.params, self.squares, strict=True):
            v *= self.alpha
            v += (1 - self.alpha) * p.grad**2
            v_hat = v / (1 - self.alpha**self.t)
            p.data = p.data - self.lr * p.grad / (np.sqrt(v_hat) + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
