"""The stride is 1 unless given, as in a convolution."""

import numpy as np

DIAGNOSIS = "mistake: stride ignored"


class MaxPool2d:
    def __init__(self, kernel_size):
        self.k = kernel_size

    def forward(self, x):
        self.x = x
        windows = np.lib.stride_tricks.sliding_window_view(
            x, (self.k, self.k), axis=(-2, -1)
        )
        self.windows = windows.reshape(*windows.shape[:-2], -1)
        return self.windows.max(axis=-1)

    def backward(self, grad_output):
        grad_x = np.zeros_like(self.x)
        winner = self.windows.argmax(axis=-1)
        for at in np.ndindex(grad_output.shape):
            *image, i, j = at
            row, column = divmod(int(winner[at]), self.k)
            grad_x[(*image, i + row, j + column)] += grad_output[at]
        return grad_x
