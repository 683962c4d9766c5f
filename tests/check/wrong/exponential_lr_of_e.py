"""e to the power of −γ t for γᵗ."""

import numpy as np

DIAGNOSIS = "mistake: another law of decay"


def exponential_lr(t, lr, gamma):
    return lr * np.exp(-gamma * t)
