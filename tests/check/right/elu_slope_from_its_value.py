"""ELU whose slope is taken from its value: y + alpha where x is not positive."""

import numpy as np

DIAGNOSIS = "right"


class ELU:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def __call__(self, x):
        self.positive = x > 0
        self.y = np.maximum(x, 0) + self.alpha * np.expm1(np.minimum(x, 0))
        return self.y

    def backward(self, grad_output):
        return np.where(self.positive, 1, self.y + self.alpha) * grad_output
