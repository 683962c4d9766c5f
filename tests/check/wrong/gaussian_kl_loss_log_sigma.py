"""The second half is taken for log σ and squared on the way."""

import numpy as np

DIAGNOSIS = "mistake: log-variance read as log σ"


class GaussianKLLoss:
    def forward(self, input, target):
        mean, s = np.split(input, 2, axis=-1)
        mean_0, s_0 = np.split(target, 2, axis=-1)
        offset, ratio = mean - mean_0, np.exp(2 * (s - s_0))
        self.slope, self.by_s = offset * np.exp(-2 * s_0), ratio - 1
        far = offset * self.slope
        return (ratio - 1 - 2 * (s - s_0) + far).sum(axis=-1).mean() / 2

    def backward(self):
        rows = self.slope[..., 0].size
        return np.concatenate([self.slope, self.by_s], axis=-1) / rows
