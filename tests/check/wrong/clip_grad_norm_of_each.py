"""Every parameter's gradient is clipped by its own norm."""

import numpy as np

DIAGNOSIS = "mistake: each tensor by its own norm"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    for p in parameters:
        norm = np.sqrt((p.grad**2).sum())
        p.grad = p.grad * min(1, max_norm / (norm + 1e-6))
