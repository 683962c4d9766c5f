"""The slope is taken as y; the factor 1 − y is missing."""

import numpy as np

DIAGNOSIS = "mistake: value in place of the slope"


class Sigmoid:
    def forward(self, x):
        small = np.exp(-np.abs(x))
        self.y = np.where(x >= 0, 1 / (1 + small), small / (1 + small))
        return self.y

    def backward(self, grad_output):
        return grad_output * self.y
