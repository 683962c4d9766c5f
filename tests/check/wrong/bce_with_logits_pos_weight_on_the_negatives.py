"""pos_weight multiplies the term of the zeros instead of the ones."""

import numpy as np

DIAGNOSIS = "mistake: pos_weight on the zeros"


class BCEWithLogitsLoss:
    def __init__(self, pos_weight=None):
        self.pos_weight = 1 if pos_weight is None else pos_weight

    def forward(self, input, target):
        self.input = input
        self.yes, self.no = target, self.pos_weight * (1 - target)
        losses = self.yes * np.logaddexp(0, -input) + self.no * np.logaddexp(0, input)
        return losses.mean()

    def backward(self):
        p = np.exp(-np.logaddexp(0, -self.input))
        q = np.exp(-np.logaddexp(0, self.input))
        return (self.no * p - self.yes * q) / p.size
