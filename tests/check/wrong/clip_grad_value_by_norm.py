"""All are scaled by one factor, where each number should be cut off."""

import numpy as np

DIAGNOSIS = "mistake: clipped by the norm"


def clip_grad_value_(parameters, clip_value):
    parameters = [p for p in parameters if p.grad is not None]
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        p.grad = p.grad * min(1, clip_value / (norm + 1e-6))
