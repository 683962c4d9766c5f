"""np.roll makes the last pixel of a row a neighbour of the first."""

import numpy as np

DIAGNOSIS = "mistake: wrap-around neighbours"


class SmoothnessPenalty:
    def __init__(self, weight, shape):
        self.weight, self.shape = weight, shape

    def forward(self, input, target):
        self.input = input
        images = self.weight.data.reshape(-1, *self.shape)
        self.steps = [np.roll(images, -1, axis) - images for axis in (1, 2)]
        return np.mean(np.square(self.steps), dtype=input.dtype)

    def backward(self):
        grad = 0
        for axis, step in zip((1, 2), self.steps, strict=True):
            grad = grad + 2 * (np.roll(step, 1, axis) - step) / (2 * step.size)
        self.weight.accumulate(grad.reshape(self.weight.shape))
        return 0 * self.input
