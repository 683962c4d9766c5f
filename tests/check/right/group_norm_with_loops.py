"""One group of one example after the other."""

import numpy as np

DIAGNOSIS = "right"


class GroupNorm:
    def __init__(self, num_groups, num_channels, eps=1e-5):
        self.eps = eps
        self.groups = np.split(np.arange(num_channels), num_groups)
        self.weight, self.bias = np.ones(num_channels), np.zeros(num_channels)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        self.hats, self.roots = np.zeros_like(x), {}
        for i in range(len(x)):
            for j, group in enumerate(self.groups):
                part = x[i, group]
                self.roots[i, j] = np.sqrt(part.var() + self.eps)
                self.hats[i, group] = (part - part.mean()) / self.roots[i, j]
        y = np.moveaxis(self.hats, 1, -1) * self.weight + self.bias
        return np.moveaxis(y, -1, 1)

    def backward(self, grad_output):
        last, hats = np.moveaxis(grad_output, 1, -1), np.moveaxis(self.hats, 1, -1)
        rest = tuple(range(last.ndim - 1))
        self.grad_weight = self.grad_weight + (last * hats).sum(axis=rest)
        self.grad_bias = self.grad_bias + last.sum(axis=rest)
        g = np.moveaxis(last * self.weight, -1, 1)
        grad = np.zeros_like(grad_output)
        for (i, j), root in self.roots.items():
            part, hat = g[i, self.groups[j]], self.hats[i, self.groups[j]]
            part = part - part.mean() - hat * (part * hat).mean()
            grad[i, self.groups[j]] = part / root
        return grad
