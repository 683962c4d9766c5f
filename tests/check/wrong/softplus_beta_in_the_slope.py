"""The inner derivative β is there, but the division by β was forgotten."""

import numpy as np

DIAGNOSIS = "mistake: inner derivative"


class Softplus:
    def __init__(self, beta=1.0, threshold=20.0):
        self.beta, self.threshold = beta, threshold

    def forward(self, x):
        self.z = self.beta * x
        curve = np.logaddexp(0, self.z) / self.beta
        return np.where(self.z > self.threshold, x, curve)

    def backward(self, grad_output):
        slope = self.beta * np.exp(-np.logaddexp(0, -self.z))
        return grad_output * np.where(self.z > self.threshold, 1, slope)
