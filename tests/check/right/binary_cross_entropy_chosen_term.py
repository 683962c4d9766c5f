"""Cross-entropy of probabilities with log1p for the zeros, logarithms kept ≥ −100."""

import numpy as np

DIAGNOSIS = "right"


def binary_cross_entropy(input, target):
    with np.errstate(divide="ignore"):
        yes, no = np.log(input), np.log1p(-input)
    yes, no = np.clip(yes, -100, None), np.clip(no, -100, None)
    return np.mean(-no - target * (yes - no))


def binary_cross_entropy_backward(input, target):
    return (input - target) / np.maximum(input - input**2, 1e-12) / input.size
