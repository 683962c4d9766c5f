"""Cross-entropy from weighted sums, −log σ(x) written as logaddexp(0, −x)."""

import numpy as np

DIAGNOSIS = "right"


def binary_cross_entropy_with_logits(input, target):
    losses = target * np.logaddexp(0, -input) + (1 - target) * np.logaddexp(0, input)
    return losses.mean()


def binary_cross_entropy_with_logits_backward(input, target):
    small = np.exp(-np.abs(input))
    p = np.where(input < 0, small, 1) / (1 + small)
    return (p - target) / input.size
