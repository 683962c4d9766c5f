"""What is short enough is made as long as max_norm."""

import numpy as np

DIAGNOSIS = "mistake: compared the wrong way round"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    for p in parameters:
        if 0 < norm < max_norm:
            p.grad = p.grad * max_norm / norm
