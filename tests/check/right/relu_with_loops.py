"""ReLU, entry by entry."""

import numpy as np

DIAGNOSIS = "right"


class ReLU:
    def forward(self, x):
        self.x = x
        y = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            if x[index] > 0:
                y[index] = x[index]
        return y

    def backward(self, grad_output):
        grad = np.zeros_like(grad_output)
        for index in np.ndindex(grad.shape):
            if self.x[index] > 0:
                grad[index] = grad_output[index]
        return grad
