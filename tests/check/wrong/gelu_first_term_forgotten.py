"""The slope is x Φ′(x) alone: Φ(x) itself is missing."""

import math

import numpy as np

DIAGNOSIS = "mistake: product rule"


class GELU:
    def forward(self, x):
        self.x = x
        halves = [math.erfc(-v / math.sqrt(2)) / 2 for v in x.ravel()]
        return x * np.array(halves, x.dtype).reshape(x.shape)

    def backward(self, grad_output):
        density = np.exp(-self.x * self.x / 2) / math.sqrt(2 * math.pi)
        return grad_output * self.x * density
