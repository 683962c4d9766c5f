"""The second half is taken for log σ, so that wide curves are far too wide."""

import numpy as np

DIAGNOSIS = "mistake: log-variance read as log σ"


class GaussianSample:
    training = True

    def forward(self, x):
        mean, log_sigma = np.split(x, 2, axis=-1)
        noise = np.random.default_rng().normal(size=mean.shape) * self.training
        self.moved = np.exp(log_sigma) * noise.astype(x.dtype)
        return mean + self.moved

    def backward(self, grad_output):
        return np.concatenate([grad_output, grad_output * self.moved], axis=-1)
