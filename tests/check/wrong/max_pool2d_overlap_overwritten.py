"""A number that is the largest in two windows gets the gradient of the later one."""

import numpy as np

DIAGNOSIS = "mistake: overlap overwritten"


def max_pool2d(x, kernel_size, stride=None):
    stride = stride or kernel_size
    windows = np.lib.stride_tricks.sliding_window_view(
        x, (kernel_size, kernel_size), axis=(2, 3)
    )
    return windows[:, :, ::stride, ::stride].max(axis=(4, 5))


def max_pool2d_backward(grad_output, x, kernel_size, stride=None):
    stride = stride or kernel_size
    grad_x = np.zeros_like(x)
    for n, c, i, j in np.ndindex(grad_output.shape):
        down, across = stride * i, stride * j
        window = x[n, c, down : down + kernel_size, across : across + kernel_size]
        row, column = np.unravel_index(window.argmax(), window.shape)
        grad_x[n, c, down + row, across + column] = grad_output[n, c, i, j]
    return grad_x
