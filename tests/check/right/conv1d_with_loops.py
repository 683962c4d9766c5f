"""A convolution as it is written on paper: one loop for each index."""

import numpy as np

DIAGNOSIS = "right"


class Conv1d:
    def __init__(self, in_channels, out_channels, kernel_size):
        rng = np.random.default_rng(0)
        self.weight = rng.normal(size=(out_channels, in_channels, kernel_size))
        self.bias = rng.normal(size=out_channels)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        self.x = x
        n, _, length = x.shape
        o, _, k = self.weight.shape
        y = np.zeros((n, o, length - k + 1), x.dtype)
        for example, out, t in np.ndindex(y.shape):
            window = x[example, :, t : t + k]
            y[example, out, t] = (window * self.weight[out]).sum() + self.bias[out]
        return y

    def backward(self, grad_output):
        k = self.weight.shape[-1]
        grad_x, grad_weight = np.zeros_like(self.x), np.zeros_like(self.weight)
        for (example, out, t), g in np.ndenumerate(grad_output):
            grad_x[example, :, t : t + k] += g * self.weight[out]
            grad_weight[out] += g * self.x[example, :, t : t + k]
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=(0, 2))
        return grad_x
