"""The gradient itself is multiplied by the step size, not its sign."""

import numpy as np

DIAGNOSIS = "mistake: gradient instead of its sign"


class Rprop:
    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
        self.params = list(params)
        self.etas, self.limits = etas, step_sizes
        self.sizes = [np.full_like(p.data, lr) for p in self.params]
        self.last = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        down, up = self.etas
        for i, p in enumerate(self.params):
            g, same = p.grad.copy(), p.grad * self.last[i]
            self.sizes[i][same > 0] *= up
            self.sizes[i][same < 0] *= down
            self.sizes[i] = np.clip(self.sizes[i], *self.limits)
            g[same < 0] = 0
            self.last[i] = g
            p.data = p.data - self.sizes[i] * g

    def zero_grad(self):
        for p in self.params:
            p.grad = None
