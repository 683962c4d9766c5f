"""Short gradients are made longer."""

import numpy as np

DIAGNOSIS = "mistake: scaled although short enough"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        p.grad = p.grad * (max_norm / (norm + 1e-6))
