"""np.mean over the table of examples and classes also divides by the classes."""

import numpy as np

DIAGNOSIS = "convention: mean over elements instead of examples"


def log_softmax_rows(input):
    shifted = input - input.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def cross_entropy(input, target):
    one_hot = np.eye(input.shape[1], dtype=input.dtype)[target]
    return -np.mean(one_hot * log_softmax_rows(input))


def cross_entropy_backward(input, target):
    one_hot = np.eye(input.shape[1], dtype=input.dtype)[target]
    return (np.exp(log_softmax_rows(input)) - one_hot) / input.size
