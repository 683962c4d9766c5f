"""Both terms, each times 1 or 0: (1 + y) / 2 says which counts."""

import numpy as np

DIAGNOSIS = "right"


def hinge_embedding_loss(input, target, margin=1.0):
    alike = (1 + target) / 2
    missing = margin - input
    return np.mean(alike * input + (1 - alike) * (missing + np.abs(missing)) / 2)


def hinge_embedding_loss_backward(input, target, margin=1.0):
    alike = (1 + target) / 2
    return (alike - (1 - alike) * (input <= margin)) / input.size
