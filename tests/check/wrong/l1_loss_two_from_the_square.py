"""The gradient keeps the 2 that belongs to the squared error."""

import numpy as np

DIAGNOSIS = "mistake: factor 2"


class L1Loss:
    def forward(self, input, target):
        self.error = input - target
        return np.abs(self.error).mean()

    def backward(self):
        return 2 * np.sign(self.error) / self.error.size
