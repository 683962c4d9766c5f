"""The penalty as w A wᵀ with one matrix A for all pairs, so its gradient is 2 w A."""

import numpy as np

DIAGNOSIS = "right"


class SmoothnessPenalty:
    def __init__(self, weight, shape):
        self.weight = weight
        number = np.arange(shape[0] * shape[1]).reshape(shape)
        pairs = [*zip(number[1:].flat, number[:-1].flat, strict=True)]
        pairs += [*zip(number[:, 1:].flat, number[:, :-1].flat, strict=True)]
        steps = np.zeros((len(pairs), number.size))
        for row, (later, earlier) in enumerate(pairs):
            steps[row, later], steps[row, earlier] = 1, -1
        self.matrix = steps.T @ steps / (len(pairs) * weight.shape[0])

    def forward(self, input, target):
        self.input, w = input, self.weight.data
        self.slope = w @ self.matrix.astype(w.dtype)
        return np.sum(w * self.slope)

    def backward(self):
        self.weight.accumulate(2 * self.slope)
        return np.zeros_like(self.input)
