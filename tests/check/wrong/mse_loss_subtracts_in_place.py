"""The target is subtracted from the caller's own input array."""

import numpy as np

DIAGNOSIS = "mistake: input mutated"


class MSELoss:
    def forward(self, input, target):
        input -= target
        self.error = input.copy()
        return np.mean(self.error**2)

    def backward(self):
        return 2 / self.error.size * self.error
