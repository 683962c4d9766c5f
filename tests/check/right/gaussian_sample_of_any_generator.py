"""Normal numbers from two uniform ones (Box and Muller); methods switch the mode."""

import numpy as np

DIAGNOSIS = "right"


class GaussianSample:
    def __init__(self):
        self.draws = True

    def eval(self):
        self.draws = False

    def __call__(self, x):
        k = x.shape[-1] // 2
        u, v = np.random.default_rng().random((2, *x.shape[:-1], k))
        noise = np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v)
        sigma = np.sqrt(np.exp(x[..., k:]))
        self.half = (sigma * noise / 2 * self.draws).astype(x.dtype)
        return x[..., :k] + 2 * self.half

    def backward(self, grad_output):
        gradients = [grad_output, grad_output * self.half]
        return np.concatenate(gradients, axis=grad_output.ndim - 1)
