"""It goes on drawing when nobody trains any more."""

import numpy as np

DIAGNOSIS = "mistake: noise in evaluation mode"


class GaussianSample:
    training = True

    def forward(self, x):
        mean, log_variance = np.split(x, 2, axis=-1)
        noise = np.random.default_rng().normal(size=mean.shape).astype(x.dtype)
        self.moved = np.exp(log_variance / 2) * noise
        return mean + self.moved

    def backward(self, grad_output):
        return np.concatenate([grad_output, grad_output * self.moved / 2], axis=-1)
