"""The mean squared error, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class MSELoss:
    def forward(self, input, target):
        self.x, self.t = input, target
        d = input - target
        return np.mean(d**2)

    def backward(self):
        x, t, n = self.x, self.t, self.x.size
        d = x - t
        return 2 * d / n
