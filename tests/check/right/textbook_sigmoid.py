"""The sigmoid, as in a textbook; its slope comes from the output."""

import numpy as np

DIAGNOSIS = "right"


class Sigmoid:
    def forward(self, x):
        self.x = x
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, grad_output):
        y = self.y
        return grad_output * y * (1 - y)
