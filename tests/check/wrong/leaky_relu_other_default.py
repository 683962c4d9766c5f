"""The slope that stands for none is that of another library."""

import numpy as np

DIAGNOSIS = "convention: other default"


class LeakyReLU:
    def __init__(self, negative_slope=0.2):
        self.negative_slope = negative_slope

    def forward(self, x):
        self.slope = np.where(x > 0, 1.0, self.negative_slope).astype(x.dtype)
        return x * self.slope

    def backward(self, grad_output):
        return grad_output * self.slope
