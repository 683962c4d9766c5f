"""The maximum as the last of each sorted window; ties keep their order reversed."""

import numpy as np

DIAGNOSIS = "right"


class MaxPool1d:
    def __init__(self, kernel_size, stride=None, padding=0):
        self.k, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x):
        ends = [(0, 0)] * (x.ndim - 1) + [(self.padding, self.padding)]
        padded = np.pad(x, ends, constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.k, axis=-1)
        windows = windows[..., :: self.stride, :]
        self.first = np.argsort(-windows, axis=-1, kind="stable")[..., :1]
        self.shape = padded.shape
        return np.take_along_axis(windows, self.first, axis=-1)[..., 0]

    def backward(self, grad_output):
        grad_x = np.zeros(self.shape, grad_output.dtype)
        starts = self.stride * np.arange(grad_output.shape[-1])
        *rows, _ = np.indices(grad_output.shape, sparse=True)
        np.add.at(grad_x, (*rows, starts + self.first[..., 0]), grad_output)
        return grad_x[..., self.padding : self.shape[-1] - self.padding]
