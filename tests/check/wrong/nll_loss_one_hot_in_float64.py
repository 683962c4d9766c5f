"""The rows of np.eye are float64, and so the gradient comes back in float64."""

import numpy as np

DIAGNOSIS = "convention: dtype changed"


def nll_loss(input, target):
    return -input[np.arange(len(target)), target].mean()


def nll_loss_backward(input, target):
    one_hot = np.eye(input.shape[1])[target]
    return -one_hot / len(target)
