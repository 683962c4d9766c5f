"""A convolution as two functions; its backward pass is a convolution, too."""

import numpy as np

DIAGNOSIS = "right"


def windows_of(x, height, width):
    shape = (height, width)
    return np.lib.stride_tricks.sliding_window_view(x, shape, axis=(2, 3))


def conv2d(x, weight, bias):
    windows = windows_of(x, *weight.shape[2:])
    return np.einsum("nitukl,oikl->notu", windows, weight) + bias[:, None, None]


def conv2d_backward(grad_output, x, weight, bias):
    height, width = weight.shape[2:]
    all_round = ((0, 0), (0, 0), (height - 1, height - 1), (width - 1, width - 1))
    windows = windows_of(np.pad(grad_output, all_round), height, width)
    turned = weight[:, :, ::-1, ::-1]
    grad_x = np.einsum("notukl,oikl->nitu", windows, turned)
    windows = windows_of(x, height, width)
    grad_weight = np.einsum("notu,nitukl->oikl", grad_output, windows)
    return grad_x, grad_weight, grad_output.sum(axis=(0, 2, 3))
