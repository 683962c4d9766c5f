"""The gradient uses target − input, so it points uphill the wrong way."""

import numpy as np

DIAGNOSIS = "mistake: sign"


class MSELoss:
    def __call__(self, input, target):
        self.error = target - input
        return np.mean(self.error**2)

    def backward(self):
        return 2 * self.error / self.error.size
