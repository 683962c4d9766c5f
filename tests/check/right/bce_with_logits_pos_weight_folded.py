"""pos_weight folded into one factor of log σ, which then is 1 + (p − 1) y."""

import numpy as np

DIAGNOSIS = "right"


class BCEWithLogitsLoss:
    def __init__(self, pos_weight=None):
        self.pos_weight = 1 if pos_weight is None else pos_weight

    def forward(self, input, target):
        small = np.exp(-np.abs(input))
        factor = 1 + (self.pos_weight - 1) * target
        minus_log = np.log1p(small) + np.maximum(-input, 0)
        q = np.where(input > 0, small, 1) / (1 + small)
        self.grad = (1 - target - factor * q) / input.size
        return np.mean((1 - target) * input + factor * minus_log)

    def backward(self):
        return self.grad
