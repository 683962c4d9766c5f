"""SiLU, as in a textbook, by the product rule."""

import numpy as np

DIAGNOSIS = "right"


class SiLU:
    def forward(self, x):
        self.x, self.gate = x, np.exp(-np.logaddexp(0, -x))
        return x * self.gate

    def backward(self, grad_output):
        x, gate = self.x, self.gate
        return grad_output * (gate + x * gate * (1 - gate))
