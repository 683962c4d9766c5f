"""The padding is 0, which is larger than any negative number."""

import numpy as np

DIAGNOSIS = "mistake: padded with zeros"


class MaxPool1d:
    def __init__(self, kernel_size, stride=None, padding=0):
        self.k, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x):
        ends = [(0, 0)] * (x.ndim - 1) + [(self.padding, self.padding)]
        self.x = np.pad(x, ends)
        windows = np.lib.stride_tricks.sliding_window_view(self.x, self.k, axis=-1)
        windows = windows[..., :: self.stride, :]
        self.winner = windows.argmax(axis=-1)
        return windows.max(axis=-1)

    def backward(self, grad_output):
        grad_x = np.zeros_like(self.x)
        for at in np.ndindex(grad_output.shape):
            *row, i = at
            grad_x[(*row, self.stride * i + self.winner[at])] += grad_output[at]
        return grad_x[..., self.padding : grad_x.shape[-1] - self.padding]
