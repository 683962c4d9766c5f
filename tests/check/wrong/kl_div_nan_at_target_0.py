"""0 · log 0 is NaN in NumPy."""

import numpy as np

DIAGNOSIS = "convention: 0 log 0 not taken as 0"


class KLDivLoss:
    def forward(self, input, target):
        self.slope = -target / target.size
        return np.mean(target * (np.log(target) - input))

    def backward(self):
        return self.slope
