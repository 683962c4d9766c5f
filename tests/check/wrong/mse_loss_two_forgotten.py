"""The value is right, but the 2 of the square's derivative is missing."""

import numpy as np

DIAGNOSIS = "mistake: factor ½"


class MSELoss:
    def forward(self, input, target):
        self.error = input - target
        return np.mean(self.error**2)

    def backward(self):
        return self.error / self.error.size
