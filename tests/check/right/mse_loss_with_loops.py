"""The mean square, summed entry by entry."""

import numpy as np

DIAGNOSIS = "right"


class MSELoss:
    def __call__(self, input, target):
        self.input, self.target = input, target
        total = 0
        for x, y in zip(input.flat, target.flat, strict=True):
            total += (x - y) ** 2
        return total / input.size

    def backward(self):
        grad = np.zeros_like(self.input)
        for index in np.ndindex(grad.shape):
            error = self.input[index] - self.target[index]
            grad[index] = 2 * error / grad.size
        return grad
