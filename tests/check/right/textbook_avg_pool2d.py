"""Pooling by the mean of each window, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class AvgPool2d:
    def __init__(self, kernel_size, stride=None):
        self.k, self.s = kernel_size, stride or kernel_size

    def windows(self, x):
        k, s = self.k, self.s
        for i in range((x.shape[2] - k) // s + 1):
            for j in range((x.shape[3] - k) // s + 1):
                yield i, j, np.s_[:, :, i * s : i * s + k, j * s : j * s + k]

    def forward(self, x):
        self.x, k, s = x, self.k, self.s
        y = np.zeros((*x.shape[:2], *((np.array(x.shape[2:]) - k) // s + 1)), x.dtype)
        for i, j, at in self.windows(x):
            window = x[at]
            y[:, :, i, j] = window.mean(axis=(2, 3))
        self.y = y
        return y

    def backward(self, g):
        x = self.x
        dx = np.zeros_like(x)
        for i, j, at in self.windows(x):
            share = g[:, :, i, j, None, None]
            dx[at] += share / self.k**2
        return dx
