"""One mean down and one across, added: not every pair counts alike."""

import numpy as np

DIAGNOSIS = "mistake: each direction averaged"


class SmoothnessPenalty:
    def __init__(self, weight, shape):
        self.weight, self.shape = weight, shape

    def forward(self, input, target):
        self.input = input
        w = self.weight.data.reshape(-1, *self.shape)
        self.down, self.right = w[:, 1:] - w[:, :-1], w[:, :, 1:] - w[:, :, :-1]
        return sum((d**2).sum() / max(d.size, 1) for d in (self.down, self.right))

    def backward(self):
        grad = np.zeros((len(self.down), *self.shape), self.input.dtype)
        down = 2 * self.down / max(self.down.size, 1)
        right = 2 * self.right / max(self.right.size, 1)
        grad[:, 1:] += down
        grad[:, :-1] -= down
        grad[:, :, 1:] += right
        grad[:, :, :-1] -= right
        self.weight.accumulate(grad.reshape(self.weight.shape))
        return 0 * self.input
