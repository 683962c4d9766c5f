"""The target's curves come first, as if they were the ones to be coded."""

import numpy as np

DIAGNOSIS = "mistake: divergence the other way round"


class GaussianKLLoss:
    def forward(self, input, target):
        mean, s = np.split(input, 2, axis=-1)
        mean_0, s_0 = np.split(target, 2, axis=-1)
        offset, ratio = mean - mean_0, np.exp(s_0 - s)
        self.slope = offset * np.exp(-s)
        far = offset * self.slope
        self.by_s = (1 - ratio - far) / 2
        return (ratio - 1 + s - s_0 + far).sum(axis=-1).mean() / 2

    def backward(self):
        rows = self.slope[..., 0].size
        return np.concatenate([self.slope, self.by_s], axis=-1) / rows
