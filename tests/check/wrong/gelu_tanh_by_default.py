"""The tanh approximation is taken where the error function itself is asked for."""

import numpy as np

DIAGNOSIS = "convention: tanh form of GELU"


class GELU:
    def forward(self, x):
        u = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
        self.x, self.t = x, np.tanh(u)
        return x * (1 + self.t) / 2

    def backward(self, grad_output):
        slope_of_u = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * self.x**2)
        slope = (1 + self.t) / 2 + self.x * (1 - self.t**2) * slope_of_u / 2
        return grad_output * slope
