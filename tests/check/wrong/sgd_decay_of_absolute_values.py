"""The penalty of |w| for that of w²: the sign in place of the weight."""

import numpy as np

DIAGNOSIS = "mistake: absolute value of the weights in the decay"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0.0):
        self.params = list(params)
        self.lr, self.decay = lr, weight_decay

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * (p.grad + self.decay * np.sign(p.data))
