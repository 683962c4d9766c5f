"""Rows are summed before the mean is taken, so N counts rows, not elements."""

import numpy as np

DIAGNOSIS = "convention: mean over examples instead of elements"


class L1Loss:
    def __call__(self, input, target):
        self.error = input - target
        rows = np.abs(self.error).reshape(len(input), -1).sum(axis=1)
        return rows.mean()

    def backward(self):
        return np.sign(self.error) / len(self.error)
