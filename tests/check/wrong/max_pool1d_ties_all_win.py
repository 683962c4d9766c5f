"""Every number that equals the maximum gets the whole gradient."""

import numpy as np

DIAGNOSIS = "convention: gradient at ties"


class MaxPool1d:
    def __init__(self, kernel_size, stride=None):
        self.k = kernel_size
        self.stride = kernel_size if stride is None else stride

    def forward(self, x):
        self.x = x
        count = (x.shape[-1] - self.k) // self.stride + 1
        starts = [self.stride * i for i in range(count)]
        parts = [x[..., start : start + self.k].max(axis=-1) for start in starts]
        return np.stack(parts, axis=-1)

    def backward(self, grad_output):
        grad_x = np.zeros_like(self.x)
        for i in range(grad_output.shape[-1]):
            start = self.stride * i
            window = self.x[..., start : start + self.k]
            largest = window == window.max(axis=-1, keepdims=True)
            grad_x[..., start : start + self.k] += largest * grad_output[..., i, None]
        return grad_x
