"""The velocity starts at 0 in every step, so that momentum does nothing."""

import numpy as np

DIAGNOSIS = "mistake: velocity not kept"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0.0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            velocity = np.zeros_like(p.data)
            velocity = self.momentum * velocity + p.grad
            p.data = p.data - self.lr * velocity
