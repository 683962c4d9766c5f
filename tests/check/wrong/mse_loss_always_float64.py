"""The error is converted to float64, and so the gradient comes back in float64."""

import numpy as np

DIAGNOSIS = "convention: dtype changed"


class MSELoss:
    def forward(self, input, target):
        self.error = np.array(input, dtype=float) - np.array(target, dtype=float)
        return np.mean(self.error**2)

    def backward(self):
        return 2 * self.error / self.error.size
