"""The gradient of the weight comes back in the shape of the weight's transpose."""

import numpy as np

DIAGNOSIS = "mistake: transposed weight gradient"


def linear(x, weight, bias):
    return x @ weight.T + bias


def linear_backward(grad_output, x, weight, bias):
    grad_x = grad_output @ weight
    grad_weight = np.einsum("ni,no->io", x, grad_output)
    return grad_x, grad_weight, grad_output.sum(axis=0)
