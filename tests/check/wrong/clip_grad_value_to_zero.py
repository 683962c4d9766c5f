"""What is beyond the limit becomes 0."""

import numpy as np

DIAGNOSIS = "mistake: set to 0 instead of clipped"


def clip_grad_value_(parameters, clip_value):
    parameters = [p for p in parameters if p.grad is not None]
    for p in parameters:
        p.grad = np.where(np.abs(p.grad) > clip_value, 0, p.grad)
