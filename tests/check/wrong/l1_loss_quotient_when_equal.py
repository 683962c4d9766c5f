"""The sign is computed as e / |e|, which is 0/0 where input and target are equal."""

import numpy as np

DIAGNOSIS = "mistake: kink value"


class L1Loss:
    def forward(self, input, target):
        self.error = input - target
        return np.mean(np.abs(self.error))

    def backward(self):
        return self.error / np.abs(self.error) / self.error.size
