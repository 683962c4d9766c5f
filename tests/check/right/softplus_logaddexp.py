"""Softplus by logaddexp; its slope from its value, 1 − exp(−βy)."""

import numpy as np

DIAGNOSIS = "right"


class Softplus:
    def __init__(self, beta=1.0, threshold=20.0):
        self.beta, self.threshold = beta, threshold

    def forward(self, x):
        curve = np.logaddexp(0, self.beta * x) / self.beta
        self.straight = self.beta * x > self.threshold
        self.slope = np.where(self.straight, 1, -np.expm1(-self.beta * curve))
        return np.where(self.straight, x, curve)

    def backward(self, grad_output):
        return self.slope * grad_output
