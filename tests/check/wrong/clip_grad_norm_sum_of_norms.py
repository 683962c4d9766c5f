"""The norms of the parameters are added up."""

import numpy as np

DIAGNOSIS = "mistake: norms added up"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = sum(np.linalg.norm(p.grad) for p in parameters)
    for p in parameters:
        p.grad = p.grad * min(1, max_norm / (norm + 1e-6))
