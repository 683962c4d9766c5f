"""Each number of a window gets its whole gradient instead of its share."""

import numpy as np

DIAGNOSIS = "mistake: gradient not shared by the window"


class AvgPool1d:
    def __init__(self, kernel_size, stride=None, padding=0):
        self.k, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def windows(self, length):
        for i in range((length + 2 * self.padding - self.k) // self.stride + 1):
            start = self.stride * i - self.padding
            yield i, slice(max(0, start), min(start + self.k, length))

    def forward(self, x):
        self.shape = x.shape
        parts = [
            x[..., at].sum(axis=-1) / self.k for _, at in self.windows(x.shape[-1])
        ]
        return np.stack(parts, axis=-1)

    def backward(self, grad_output):
        grad_x = np.zeros(self.shape, grad_output.dtype)
        for i, at in self.windows(self.shape[-1]):
            grad_x[..., at] += grad_output[..., i, None]
        return grad_x
