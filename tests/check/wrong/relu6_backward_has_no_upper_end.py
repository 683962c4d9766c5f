"""The backward pass is the plain ReLU's: the gradient also flows above 6."""

import numpy as np

DIAGNOSIS = "mistake: slope of ReLU"


class ReLU6:
    def forward(self, x):
        self.positive = x > 0
        return np.minimum(np.maximum(x, 0), 6)

    def backward(self, grad_output):
        return grad_output * self.positive
