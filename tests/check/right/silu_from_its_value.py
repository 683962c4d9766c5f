"""SiLU whose slope is written with its value: y + σ(x) (1 − y)."""

import numpy as np

DIAGNOSIS = "right"


class SiLU:
    def forward(self, x):
        self.gate = (1 + np.tanh(x / 2)) / 2
        self.y = x * self.gate
        return self.y

    def backward(self, grad_output):
        return grad_output * (self.y + self.gate * (1 - self.y))
