"""The slope is written y² − 1, which is negative."""

import numpy as np

DIAGNOSIS = "mistake: sign"


class Tanh:
    def __call__(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad_output):
        return grad_output * (self.y**2 - 1)
