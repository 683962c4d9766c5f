"""The backward pass returns the local slope only: the chain rule is missing."""

import numpy as np

DIAGNOSIS = "mistake: upstream gradient forgotten"


class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, grad_output):
        return (self.x > 0).astype(grad_output.dtype)
