"""The slope is taken from the output as y + 1, which is right for alpha = 1 only."""

import numpy as np

DIAGNOSIS = "mistake: α missing"


class ELU:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        self.negative = x <= 0
        self.y = np.where(self.negative, self.alpha * np.expm1(np.minimum(x, 0)), x)
        return self.y

    def backward(self, grad_output):
        return grad_output * np.where(self.negative, self.y + 1, np.ones_like(self.y))
