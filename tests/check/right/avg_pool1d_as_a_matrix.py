"""The mean of each window as a product with a band of equal weights."""

import numpy as np

DIAGNOSIS = "right"


class AvgPool1d:
    def __init__(self, kernel_size, stride=None, padding=0):
        self.k, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride

    def forward(self, x):
        length, k = x.shape[-1], self.k
        count = (length + 2 * self.padding - k) // self.stride + 1
        after = np.arange(length)[:, None] + self.padding
        after = after - self.stride * np.arange(count)
        self.band = np.where((after >= 0) & (after < k), 1 / k, 0).astype(x.dtype)
        return x @ self.band

    def backward(self, grad_output):
        return grad_output @ self.band.T
