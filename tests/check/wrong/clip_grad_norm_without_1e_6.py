"""torch divides by norm + 1e-6."""

import numpy as np

DIAGNOSIS = "convention: 1e-6 left out"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    factor = min(1, max_norm / max(norm, 1e-300))
    for p in parameters:
        p.grad = p.grad * factor
