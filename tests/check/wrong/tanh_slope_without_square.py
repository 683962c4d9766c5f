"""The slope is taken as 1 − y instead of 1 − y²."""

import numpy as np

DIAGNOSIS = "mistake: square missing"


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad_output):
        return grad_output * (1 - self.y)
