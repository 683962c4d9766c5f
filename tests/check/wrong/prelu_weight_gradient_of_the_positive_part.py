"""The weight's gradient sums over the positive x, which the weight never meets."""

import numpy as np

DIAGNOSIS = "mistake: weight gradient of the positive part"


def prelu(x, weight):
    w = weight if x.ndim < 2 else weight.reshape(-1, *(1,) * (x.ndim - 2))
    return np.where(x > 0, x, w * x).reshape(x.shape)


def prelu_backward(grad_output, x, weight):
    w = weight if x.ndim < 2 else weight.reshape(-1, *(1,) * (x.ndim - 2))
    terms = grad_output * np.maximum(x, 0)
    if len(weight) > 1:
        grad_weight = np.moveaxis(terms, 1, 0).reshape(len(weight), -1).sum(axis=1)
    else:
        grad_weight = terms.sum().reshape(1)
    return (grad_output * np.where(x > 0, 1, w)).reshape(x.shape), grad_weight
