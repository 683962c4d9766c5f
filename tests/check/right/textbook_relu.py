"""ReLU, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class ReLU:
    def forward(self, x):
        self.x, self.y = x, np.maximum(x, 0)
        return self.y

    def backward(self, grad_output):
        return grad_output * (self.x > 0)
