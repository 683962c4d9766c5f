"""A convolution in two loops, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Conv2d:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.k, self.s, self.p = kernel_size, stride, padding
        shape = out_channels, in_channels, kernel_size, kernel_size
        self.weight, self.bias = np.zeros(shape), np.zeros(out_channels)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        W, b, k, s, p = self.weight, self.bias, self.k, self.s, self.p
        x = self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        rows, columns = (np.array(x.shape[2:]) - k) // s + 1
        y = np.zeros((len(x), len(W), rows, columns), x.dtype)
        for i in range(rows):
            for j in range(columns):
                window = x[:, :, i * s : i * s + k, j * s : j * s + k]
                y[:, :, i, j] = np.tensordot(window, W, ([1, 2, 3], [1, 2, 3]))
        return y + b[:, None, None]

    def backward(self, g):
        x, W, k, s, p = self.x, self.weight, self.k, self.s, self.p
        dx, dW, db = np.zeros_like(x), np.zeros_like(W), g.sum(axis=(0, 2, 3))
        for i in range(g.shape[2]):
            for j in range(g.shape[3]):
                at = np.s_[:, :, i * s : i * s + k, j * s : j * s + k]
                dW += np.tensordot(g[:, :, i, j], x[at], ([0], [0]))
                dx[at] += np.tensordot(g[:, :, i, j], W, ([1], [0]))
        self.grad_weight = self.grad_weight + dW
        self.grad_bias = self.grad_bias + db
        return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p]
