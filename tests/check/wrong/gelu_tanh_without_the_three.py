"""The slope of x³ is taken as x²; the 3 is missing, so tanh's inner slope is off."""

import math

import numpy as np

DIAGNOSIS = "mistake: inner derivative of the tanh form (k = 1)"


class GELU:
    def __init__(self, approximate="none"):
        self.approximate = approximate

    def forward(self, x):
        inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
        slope = np.sqrt(2 / np.pi) * (1 + 0.044715 * x**2)
        gate = (1 + np.tanh(inner)) / 2
        gate_slope = (1 - np.tanh(inner) ** 2) * slope / 2
        if self.approximate == "none":
            flat = [math.erfc(-v / math.sqrt(2)) / 2 for v in x.ravel()]
            gate = np.array(flat, x.dtype).reshape(x.shape)
            gate_slope = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        self.slope = gate + x * gate_slope
        return x * gate

    def backward(self, grad_output):
        return grad_output * self.slope
