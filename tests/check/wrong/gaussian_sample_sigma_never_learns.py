"""What was drawn is taken for a constant, so that σ has no gradient."""

import numpy as np

DIAGNOSIS = "mistake: gradient of σ forgotten"


class GaussianSample:
    training = True

    def forward(self, x):
        mean, log_variance = np.split(x, 2, axis=-1)
        if not self.training:
            return mean
        noise = np.random.default_rng().normal(size=mean.shape).astype(x.dtype)
        return mean + np.exp(log_variance / 2) * noise

    def backward(self, grad_output):
        return np.concatenate([grad_output, np.zeros_like(grad_output)], axis=-1)
