"""The mean absolute error, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class L1Loss:
    def forward(self, input, target):
        self.d = input - target
        return np.abs(self.d).mean()

    def backward(self):
        d, n = self.d, self.d.size
        return np.sign(d) / n
