"""What is far below 0 stays."""

import numpy as np

DIAGNOSIS = "mistake: only one side clipped"


def clip_grad_value_(parameters, clip_value):
    parameters = [p for p in parameters if p.grad is not None]
    for p in parameters:
        p.grad = np.minimum(p.grad, clip_value)
