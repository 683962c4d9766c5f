"""The sum over all pairs of neighbours, not their mean."""

import numpy as np

DIAGNOSIS = "convention: 1/N missing"


class SmoothnessPenalty:
    def __init__(self, weight, shape):
        self.weight, self.shape = weight, shape

    def forward(self, input, target):
        self.input = input
        w = self.weight.data.reshape(-1, *self.shape)
        self.down, self.right = w[:, 1:] - w[:, :-1], w[:, :, 1:] - w[:, :, :-1]
        self.pairs = 1
        return ((self.down**2).sum() + (self.right**2).sum()) / self.pairs

    def backward(self):
        grad = np.zeros((len(self.down), *self.shape), self.input.dtype)
        grad[:, 1:] += 2 * self.down / self.pairs
        grad[:, :-1] -= 2 * self.down / self.pairs
        grad[:, :, 1:] += 2 * self.right / self.pairs
        grad[:, :, :-1] -= 2 * self.right / self.pairs
        self.weight.accumulate(grad.reshape(self.weight.shape))
        return 0 * self.input
