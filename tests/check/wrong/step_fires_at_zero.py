"""A weighted sum of exactly 0 fires; the reference fires only above 0."""

import numpy as np

DIAGNOSIS = "convention: kink value"


class Step:
    def forward(self, x):
        return (x >= 0).astype(x.dtype)

    def backward(self, grad_output):
        return np.zeros_like(grad_output)
