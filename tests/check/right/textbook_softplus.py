"""Softplus, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Softplus:
    def forward(self, x):
        self.x = x
        return np.logaddexp(0, x)

    def backward(self, grad_output):
        gate = np.exp(-np.logaddexp(0, -self.x))
        return grad_output * gate
