"""pos_weight multiplies the whole loss, the negative examples included."""

import numpy as np

DIAGNOSIS = "mistake: pos_weight on everything"


class BCEWithLogitsLoss:
    def __init__(self, pos_weight=None):
        self.pos_weight = 1 if pos_weight is None else pos_weight

    def forward(self, input, target):
        self.input, self.target = input, target
        yes, no = np.logaddexp(0, -input), np.logaddexp(0, input)
        return np.mean(self.pos_weight * (target * yes + (1 - target) * no))

    def backward(self):
        p = np.exp(-np.logaddexp(0, -self.input))
        return self.pos_weight * (p - self.target) / p.size
