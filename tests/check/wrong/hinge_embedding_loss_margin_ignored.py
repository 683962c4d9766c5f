"""Unlike things are pushed apart up to 1, whatever margin says."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


def hinge_embedding_loss(input, target, margin=1.0):
    return np.mean(np.where(target == 1, input, np.maximum(0, 1 - input)))


def hinge_embedding_loss_backward(input, target, margin=1.0):
    return np.where((target == -1) & (input > 1), 0, target) / input.size
