"""The sigmoid as exp(−log(1 + e⁻ˣ))."""

import numpy as np

DIAGNOSIS = "right"


class Sigmoid:
    def __call__(self, x):
        self.y = np.exp(-np.logaddexp(0, -x))
        return self.y

    def backward(self, grad_output):
        return grad_output * (self.y - self.y**2)
