"""The logarithms are not stopped at −100: a probability of 0 or 1 gives NaN."""

import numpy as np

DIAGNOSIS = "convention: logarithm not cut"


class BCELoss:
    def forward(self, input, target):
        self.input, self.target = input, target
        losses = -(target * np.log(input) + (1 - target) * np.log(1 - input))
        return losses.mean()

    def backward(self):
        p, y = self.input, self.target
        return (p - y) / (p * (1 - p)) / p.size
