"""Adagrad that keeps every gradient and adds up their squares anew."""

import numpy as np

DIAGNOSIS = "right"


class Adagrad:
    def __init__(self, params, lr=1e-2, lr_decay=0, eps=1e-10):
        self.params = list(params)
        self.lr, self.lr_decay, self.eps = lr, lr_decay, eps
        self.past = [[] for _ in self.params]

    def step(self):
        for p, past in zip(self.params, self.past, strict=True):
            if p.grad is None:
                continue
            lr = self.lr / (1 + len(past) * self.lr_decay)
            past.append(p.grad.copy())
            size = np.linalg.norm(past, axis=0)
            p.data = p.data - lr * p.grad / (size + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
