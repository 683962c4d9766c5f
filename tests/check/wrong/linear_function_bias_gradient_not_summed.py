"""The upstream gradient itself is returned as the gradient of the bias."""

import numpy as np

DIAGNOSIS = "mistake: bias gradient not summed over the batch"


def linear(x, weight, bias):
    return np.einsum("ni,oi->no", x, weight) + bias


def linear_backward(grad_output, x, weight, bias):
    return grad_output @ weight, grad_output.T @ x, grad_output
