"""A mean over the curves of an example, too, where their sum belongs."""

import numpy as np

DIAGNOSIS = "convention: mean over elements instead of examples"


class GaussianKLLoss:
    def forward(self, input, target):
        mean, s = np.split(input, 2, axis=-1)
        mean_0, s_0 = np.split(target, 2, axis=-1)
        offset, ratio = mean - mean_0, np.exp(s - s_0)
        self.slope, self.by_s = offset * np.exp(-s_0), (ratio - 1) / 2
        return (ratio - 1 - s + s_0 + offset * self.slope).mean() / 2

    def backward(self):
        return np.concatenate([self.slope, self.by_s], axis=-1) / self.slope.size
