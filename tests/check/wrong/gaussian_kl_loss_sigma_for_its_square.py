"""σ stands where σ² belongs, in the gradient only."""

import numpy as np

DIAGNOSIS = "mistake: σ in place of σ²"


class GaussianKLLoss:
    def forward(self, input, target):
        mean, s = np.split(input, 2, axis=-1)
        mean_0, s_0 = np.split(target, 2, axis=-1)
        offset, ratio = mean - mean_0, np.exp(s - s_0)
        self.slope, self.by_s = offset * np.exp(-s_0), (np.sqrt(ratio) - 1) / 2
        return (ratio - 1 - s + s_0 + offset * self.slope).sum(axis=-1).mean() / 2

    def backward(self):
        rows = self.slope[..., 0].size
        return np.concatenate([self.slope, self.by_s], axis=-1) / rows
