"""tanh as a class with nothing but a call."""

import numpy as np

DIAGNOSIS = "right"


class Tanh:
    def __call__(self, x):
        self.slope = 1 - np.square(np.tanh(x))
        return np.tanh(x)

    def backward(self, grad_output):
        return self.slope * grad_output
