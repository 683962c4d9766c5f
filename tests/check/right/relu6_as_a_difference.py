"""ReLU6 as the difference of two ReLUs."""

import numpy as np

DIAGNOSIS = "right"


class ReLU6:
    def forward(self, x):
        self.slope = (x > 0).astype(x.dtype) - (x >= 6)
        return np.maximum(x, 0) - np.maximum(x - 6, 0)

    def backward(self, grad_output):
        return grad_output * self.slope
