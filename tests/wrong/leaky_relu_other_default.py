"""The default slope is 0.1 where torch's is 0.01."""

import numpy as np

DIAGNOSIS = "bug"


class LeakyReLU:
    def __init__(self, negative_slope=0.1):
        self.slope = negative_slope

    def forward(self, x):
        self.negative = x <= 0
        return np.where(self.negative, self.slope * x, x)

    def backward(self, grad_output):
        return np.where(self.negative, self.slope * grad_output, grad_output)
