"""The softmax of rows, with einsum for both sums."""

import numpy as np

DIAGNOSIS = "right"


def softmax(x):
    powers = np.exp(x - x.max(axis=-1)[..., None])
    return np.einsum("...c,...->...c", powers, 1 / powers.sum(axis=-1))


def softmax_backward(grad_output, x):
    y = softmax(x)
    along = np.einsum("...c,...c->...", grad_output, y)
    return y * grad_output - y * along[..., None]
