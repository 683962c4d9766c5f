"""tanh, as in a textbook; its slope comes from the output."""

import numpy as np

DIAGNOSIS = "right"


class Tanh:
    def forward(self, x):
        self.x, self.y = x, np.tanh(x)
        return self.y

    def backward(self, grad_output):
        y = self.y
        return grad_output * (1 - y**2)
