"""As in a fully connected layer, the bias gradient is summed over the examples."""

import numpy as np

DIAGNOSIS = "mistake: bias gradient not summed over the positions"


class Conv1d:
    def __init__(self, in_channels, out_channels, kernel_size):
        rng = np.random.default_rng(0)
        self.weight = rng.normal(size=(out_channels, in_channels, kernel_size))
        self.bias = rng.normal(size=out_channels)
        self.grad_weight = self.grad_bias = 0

    def forward(self, x):
        k = self.weight.shape[-1]
        self.windows = np.lib.stride_tricks.sliding_window_view(x, k, axis=2)
        y = np.einsum("nitk,oik->not", self.windows, self.weight)
        return y + self.bias[:, None]

    def backward(self, grad_output):
        k, windows = self.weight.shape[-1], grad_output.shape[-1]
        grad_weight = np.einsum("not,nitk->oik", grad_output, self.windows)
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=0)
        n, i = self.windows.shape[:2]
        grad_x = np.zeros((n, i, windows + k - 1), grad_output.dtype)
        for place in range(k):
            grad_x[:, :, place : place + windows] += np.einsum(
                "not,oi->nit", grad_output, self.weight[:, :, place]
            )
        return grad_x
