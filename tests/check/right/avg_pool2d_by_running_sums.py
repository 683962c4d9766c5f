"""Each window's sum from four corners of the table of running sums."""

import numpy as np

DIAGNOSIS = "right"


class AvgPool2d:
    def __init__(self, kernel_size, divisor_override=None):
        self.k = kernel_size
        self.divisor = divisor_override

    def forward(self, x):
        self.shape, k = x.shape, np.zeros(2, int) + self.k
        ends = [(0, 0)] * (x.ndim - 2) + [(1, 0), (1, 0)]
        table = np.pad(x, ends).cumsum(axis=-2).cumsum(axis=-1)
        corners = table[..., :: k[0], :: k[1]]
        self.area = int(k[0] * k[1]) if self.divisor is None else self.divisor
        return np.diff(np.diff(corners, axis=-2), axis=-1) / self.area

    def backward(self, grad_output):
        rows, columns = grad_output.shape[-2:]
        k, m = np.zeros(2, int) + self.k
        grad_x = np.zeros(self.shape, grad_output.dtype)
        tile = np.ones((k, m), grad_output.dtype) / self.area
        grad_x[..., : rows * k, : columns * m] = np.kron(grad_output, tile)
        return grad_x
