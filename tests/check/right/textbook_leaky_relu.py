"""LeakyReLU, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class LeakyReLU:
    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        self.x, a = x, self.negative_slope
        return np.where(x > 0, x, a * x)

    def backward(self, grad_output):
        x, a = self.x, self.negative_slope
        return np.where(x > 0, grad_output, a * grad_output)
