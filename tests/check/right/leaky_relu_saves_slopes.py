"""Leaky ReLU whose forward pass keeps the slopes rather than the input."""

import numpy as np

DIAGNOSIS = "right"


class LeakyReLU:
    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def __call__(self, x):
        self.slopes = np.ones_like(x)
        self.slopes[x <= 0] = self.negative_slope
        return x * self.slopes

    def backward(self, grad_output):
        return grad_output * self.slopes
