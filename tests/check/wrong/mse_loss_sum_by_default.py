"""Value and gradient are those of the sum of the squares, not of their mean."""

import numpy as np

DIAGNOSIS = "convention: 1/N missing"


class MSELoss:
    def forward(self, input, target):
        self.error = input - target
        return np.sum(self.error * self.error)

    def backward(self):
        return 2 * self.error
