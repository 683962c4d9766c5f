"""Rprop as the paper writes it: three cases for each number."""

import numpy as np

DIAGNOSIS = "right"


class Rprop:
    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
        self.params = list(params)
        self.etas, self.limits = etas, step_sizes
        self.sizes = [np.full_like(p.data, lr) for p in self.params]
        self.last = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for p, sizes, last in zip(self.params, self.sizes, self.last, strict=True):
            if p.grad is None:
                continue
            data = p.data.copy()
            for at in np.ndindex(data.shape):
                g = p.grad[at]
                if g * last[at] > 0:
                    sizes[at] = min(sizes[at] * self.etas[1], self.limits[1])
                elif g * last[at] < 0:
                    sizes[at] = max(sizes[at] * self.etas[0], self.limits[0])
                    g = 0.0
                sizes[at] = min(max(sizes[at], self.limits[0]), self.limits[1])
                data[at] -= np.sign(g) * sizes[at]
                last[at] = g
            p.data = data

    def zero_grad(self):
        for p in self.params:
            p.grad = None
