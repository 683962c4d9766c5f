"""The value is a mean, the gradient p − y is not divided by the number of elements."""

import numpy as np

DIAGNOSIS = "mistake: 1/N missing"


def binary_cross_entropy_with_logits(input, target):
    losses = target * np.logaddexp(0, -input) + (1 - target) * np.logaddexp(0, input)
    return losses.mean()


def binary_cross_entropy_with_logits_backward(input, target):
    return np.exp(-np.logaddexp(0, -input)) - target
