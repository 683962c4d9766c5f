"""Flatten, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return np.reshape(x, (len(x), -1))

    def backward(self, grad_output):
        return grad_output.reshape(self.shape)
