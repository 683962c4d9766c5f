"""Flatten, one example after the other."""

import numpy as np

DIAGNOSIS = "right"


class Flatten:
    def forward(self, x):
        self.shape = x.shape[1:]
        return np.stack([example.ravel() for example in x])

    def backward(self, grad_output):
        return np.stack([row.reshape(self.shape) for row in grad_output])
