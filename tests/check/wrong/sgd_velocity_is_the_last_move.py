"""The velocity is the last change of the weights, −lr·g included."""

import numpy as np

DIAGNOSIS = "convention: lr inside the velocity"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.moves = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            push = -self.lr * p.grad
            self.moves[i] = self.momentum * self.moves[i] + push
            ahead = self.momentum * self.moves[i] + push
            p.data = p.data + (ahead if self.nesterov else self.moves[i])

    def zero_grad(self):
        for p in self.params:
            p.grad = None
