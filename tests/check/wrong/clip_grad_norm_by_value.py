"""Each number is clipped, not the norm."""

import numpy as np

DIAGNOSIS = "mistake: clipped by value"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    for p in parameters:
        p.grad = np.clip(p.grad, -max_norm, max_norm)
