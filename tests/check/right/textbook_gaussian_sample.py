"""A sample of normal distributions, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class GaussianSample:
    def __init__(self):
        self.training, self.rng = True, np.random.default_rng()

    def forward(self, x):
        mean, log_var = np.split(x, 2, axis=-1)
        noise = self.rng.normal(size=mean.shape) if self.training else 0 * mean
        self.change = np.exp(log_var / 2) * noise.astype(x.dtype)
        return mean + self.change

    def backward(self, g):
        return np.concatenate([g, g * self.change / 2], axis=-1)
