"""ELU, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class ELU:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        self.x, alpha = x, self.alpha
        self.y = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
        return self.y

    def backward(self, grad_output):
        x, alpha = self.x, self.alpha
        below = grad_output * alpha * np.exp(np.minimum(x, 0))
        return np.where(x > 0, grad_output, below)
