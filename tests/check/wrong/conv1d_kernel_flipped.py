"""The convolution of signal processing: the kernel is turned round."""

import numpy as np

DIAGNOSIS = "mistake: kernel flipped"


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
        for example in range(n):
            for out, kernels in enumerate(self.weight):
                for signal, kernel in zip(x[example], kernels, strict=True):
                    y[example, out] += np.convolve(signal, kernel, "valid")
        return y + self.bias[:, None]

    def backward(self, grad_output):
        k, windows = self.weight.shape[-1], grad_output.shape[-1]
        grad_x, grad_weight = np.zeros_like(self.x), np.zeros_like(self.weight)
        for i in range(k):
            there = slice(k - 1 - i, k - 1 - i + windows)
            grad_x[:, :, there] += np.einsum(
                "not,oi->nit", grad_output, self.weight[:, :, i]
            )
            grad_weight[:, :, i] = np.einsum(
                "not,nit->oi", grad_output, self.x[:, :, there]
            )
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=(0, 2))
        return grad_x
