"""The backward pass draws again instead of keeping the forward pass's noise."""

import numpy as np

DIAGNOSIS = "mistake: noise drawn afresh"


class GaussianSample:
    def __init__(self):
        self.training = True
        self.rng = np.random.default_rng()

    def spread(self):
        noise = self.rng.normal(size=self.sigma.shape) * self.training
        return self.sigma * noise.astype(self.sigma.dtype)

    def forward(self, x):
        mean, log_variance = np.split(x, 2, axis=-1)
        self.sigma = np.exp(log_variance / 2)
        return mean + self.spread()

    def backward(self, grad_output):
        by_variance = grad_output * self.spread() / 2
        return np.concatenate([grad_output, by_variance], axis=-1)
