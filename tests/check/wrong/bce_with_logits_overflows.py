"""log(1 + exp(x)) is ∞ as soon as exp(x) is."""

import numpy as np

DIAGNOSIS = "convention: unstable form"


def binary_cross_entropy_with_logits(input, target):
    return np.mean(np.log(1 + np.exp(input)) - target * input)


def binary_cross_entropy_with_logits_backward(input, target):
    p = np.exp(-np.logaddexp(0, -input))
    return (p - target) / input.size
