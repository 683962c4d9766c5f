"""The sum is divided by the kernel's side, not by its area."""

import numpy as np

DIAGNOSIS = "mistake: divided by the side of the window"


class AvgPool2d:
    def __init__(self, kernel_size, stride=None):
        self.k = kernel_size
        self.stride = kernel_size if stride is None else stride

    def forward(self, x):
        self.shape = x.shape
        windows = np.lib.stride_tricks.sliding_window_view(
            x, (self.k, self.k), axis=(-2, -1)
        )
        windows = windows[..., :: self.stride, :: self.stride, :, :]
        return windows.sum(axis=(-2, -1)) / self.k

    def backward(self, grad_output):
        grad_x = np.zeros(self.shape, grad_output.dtype)
        rows, columns = grad_output.shape[-2:]
        for i in range(rows):
            for j in range(columns):
                down, across = self.stride * i, self.stride * j
                share = grad_output[..., i, j, None, None] / self.k
                grad_x[..., down : down + self.k, across : across + self.k] += share
        return grad_x
