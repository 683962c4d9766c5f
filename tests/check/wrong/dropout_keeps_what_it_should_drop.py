"""p is taken for the probability to keep."""

import numpy as np

DIAGNOSIS = "mistake: p taken for the probability to keep"


class Dropout:
    def __init__(self, p=0.5):
        self.p = p
        self.training = True
        self.rng = np.random.default_rng()

    def draw(self, x):
        keep = self.rng.random(x.shape) < self.p
        return keep.astype(x.dtype) / (self.p if self.p > 0 else 1)

    def forward(self, x):
        self.factors = self.draw(x) if self.training else 1
        return x * self.factors

    def backward(self, grad_output):
        return grad_output * self.factors
