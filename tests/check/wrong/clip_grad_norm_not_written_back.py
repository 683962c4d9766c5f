"""The shorter gradient gets a name of its own."""

import numpy as np

DIAGNOSIS = "mistake: gradients never clipped"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        grad = p.grad
        if norm > max_norm:
            grad = grad * max_norm / (norm + 1e-6)
