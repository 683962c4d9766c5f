"""The backward pass is the plain ReLU's: nothing flows back where x is negative."""

import numpy as np

DIAGNOSIS = "mistake: slope of ReLU"


class LeakyReLU:
    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.negative_slope * x)

    def backward(self, grad_output):
        return grad_output * (self.x > 0)
