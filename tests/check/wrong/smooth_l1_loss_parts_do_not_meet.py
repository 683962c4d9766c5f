"""The straight part is not lowered by ½, so the value jumps where the parts meet."""

import numpy as np

DIAGNOSIS = "mistake: wrong constant in the value"


class SmoothL1Loss:
    def __call__(self, input, target):
        self.error = input - target
        size = np.abs(self.error)
        return np.mean(np.where(size < 1, 0.5 * size**2, size))

    def backward(self):
        return np.clip(self.error, -1, 1) / self.error.size
