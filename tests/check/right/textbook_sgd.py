"""SGD with all its options, as in the textbook."""

import numpy as np  # noqa: F401

DIAGNOSIS = "right"


class SGD:
    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
    ):
        self.params, self.lr, self.weight_decay = list(params), lr, weight_decay
        self.momentum, self.dampening = momentum, dampening
        self.nesterov, self.maximize = nesterov, maximize
        self.v = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad
            g = -g if self.maximize else g
            g = g + self.weight_decay * p.data
            if self.momentum:
                v, last = g, self.v[i]
                if last is not None:
                    v = self.momentum * last + (1 - self.dampening) * g
                self.v[i] = v
                g = g + self.momentum * v if self.nesterov else v
            p.data = p.data - self.lr * g

    def zero_grad(self):
        for p in self.params:
            p.grad = None
