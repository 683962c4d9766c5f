"""The backward pass zeroes entries of the caller's own upstream gradient."""

import numpy as np

DIAGNOSIS = "mistake: input mutated"


class ReLU:
    def __call__(self, x):
        self.off = x <= 0
        return np.where(self.off, np.zeros_like(x), x)

    def backward(self, grad_output):
        grad_output[self.off] = 0
        return grad_output
