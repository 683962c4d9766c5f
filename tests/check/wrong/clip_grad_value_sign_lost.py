"""What is below −limit becomes limit."""

import numpy as np

DIAGNOSIS = "mistake: sign lost in clipping"


def clip_grad_value_(parameters, clip_value):
    parameters = [p for p in parameters if p.grad is not None]
    for p in parameters:
        p.grad = np.where(np.abs(p.grad) > clip_value, clip_value, p.grad)
