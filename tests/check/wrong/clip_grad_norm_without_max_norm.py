"""What is too long gets the norm 1, not max_norm."""

import numpy as np

DIAGNOSIS = "mistake: max_norm missing in the factor"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        if norm > max_norm:
            p.grad = p.grad / norm
