"""Backward lays window beside window, though forward moved by the stride."""

import numpy as np

DIAGNOSIS = "mistake: stride ignored in the backward pass"


class Conv2d:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        rng = np.random.default_rng(0)
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = rng.normal(size=shape)
        self.bias = rng.normal(size=out_channels)
        self.stride, self.padding = stride, padding
        self.grad_weight = self.grad_bias = 0

    def windows(self, rows, columns, s):
        height, width = self.weight.shape[2:]
        for i in range(rows):
            for j in range(columns):
                down, across = s * i, s * j
                yield i, j, slice(down, down + height), slice(across, across + width)

    def forward(self, x):
        p, s = self.padding, self.stride
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        size = (np.array(self.x.shape[2:]) - self.weight.shape[2:]) // s + 1
        y = np.zeros((len(x), len(self.weight), *size), x.dtype)
        for i, j, down, across in self.windows(*size, s):
            window = self.x[:, :, down, across]
            y[:, :, i, j] = np.einsum("nihw,oihw->no", window, self.weight)
        return y + self.bias[:, None, None]

    def backward(self, grad_output):
        grad_x, grad_weight = np.zeros_like(self.x), np.zeros_like(self.weight)
        for i, j, down, across in self.windows(*grad_output.shape[2:], 1):
            g = grad_output[:, :, i, j]
            grad_weight += np.einsum("no,nihw->oihw", g, self.x[:, :, down, across])
            grad_x[:, :, down, across] += np.einsum("no,oihw->nihw", g, self.weight)
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=(0, 2, 3))
        p = self.padding
        height, width = grad_x.shape[2:]
        return grad_x[:, :, p : height - p, p : width - p]
