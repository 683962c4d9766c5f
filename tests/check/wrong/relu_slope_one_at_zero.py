"""The slope at exactly x = 0 is taken as 1; autograd takes 0."""

import numpy as np

DIAGNOSIS = "convention: kink value"


class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, grad_output):
        return grad_output * (self.x >= 0)
