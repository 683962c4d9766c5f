"""The channels are dealt out to the groups in turn instead of side by side."""

import numpy as np

DIAGNOSIS = "mistake: groups of every n-th channel"


class GroupNorm:
    def __init__(self, num_groups, num_channels, eps=1e-5):
        self.num_groups, self.eps = num_groups, eps
        self.weight, self.bias = np.ones(num_channels), np.zeros(num_channels)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        rows = self.rows(x)
        self.root = np.sqrt(rows.var(axis=2, keepdims=True) + self.eps)
        self.hats = (rows - rows.mean(axis=2, keepdims=True)) / self.root
        self.x_hat = self.hats.swapaxes(1, 2).reshape(x.shape)
        return self.placed(self.weight) * self.x_hat + self.placed(self.bias)

    def rows(self, values):
        size = int(np.prod(values.shape[1:]))
        each = size // self.num_groups
        return values.reshape(len(values), each, self.num_groups).swapaxes(1, 2)

    def placed(self, values):
        return values.reshape(1, -1, *[1] * (self.x_hat.ndim - 2))

    def backward(self, grad_output):
        rest = (0, *range(2, grad_output.ndim))
        grad_weight = (grad_output * self.x_hat).sum(axis=rest)
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=rest)
        g = self.rows(grad_output * self.placed(self.weight))
        along = (g * self.hats).mean(axis=2, keepdims=True)
        g = g - g.mean(axis=2, keepdims=True) - self.hats * along
        return (g / self.root).swapaxes(1, 2).reshape(grad_output.shape)
