"""A convolution that spreads the kernel out with zeros, group by group."""

import numpy as np

DIAGNOSIS = "right"


class Conv2d:
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
    ):
        rng = np.random.default_rng(0)
        kernel = np.zeros(2, int) + kernel_size
        self.stride, self.dilation = (
            np.zeros(2, int) + stride,
            np.zeros(2, int) + dilation,
        )
        span = self.dilation * (kernel - 1) + 1
        if padding == "same":
            padding = (span - 1) // 2
        self.padding = np.zeros(2, int) + (0 if isinstance(padding, str) else padding)
        self.groups, self.span = groups, span
        shape = (out_channels, in_channels // groups, *kernel)
        self.weight = rng.normal(size=shape)
        self.bias = rng.normal(size=out_channels) if bias else None
        self.grad_weight = self.grad_bias = 0

    def spread_out(self):
        wide = np.zeros((*self.weight.shape[:2], *self.span), self.weight.dtype)
        down, across = self.dilation
        wide[:, :, ::down, ::across] = self.weight
        return wide

    def windows(self):
        (s, t), (height, width) = self.stride, self.span
        for i in range((self.x.shape[2] - height) // s + 1):
            for j in range((self.x.shape[3] - width) // t + 1):
                there = slice(s * i, s * i + height), slice(t * j, t * j + width)
                yield (..., i, j), (..., *there)

    def forward(self, x):
        p, q = self.padding
        self.x = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))
        size = (np.array(self.x.shape[2:]) - self.span) // self.stride + 1
        y = np.zeros((len(x), len(self.weight), *size), x.dtype)
        for here, there in self.windows():
            parts = zip(
                np.split(self.x[there], self.groups, axis=1),
                np.split(self.spread_out(), self.groups),
                strict=True,
            )
            each = [np.tensordot(part, w, ((1, 2, 3), (1, 2, 3))) for part, w in parts]
            y[here] = np.concatenate(each, axis=1)
        return y if self.bias is None else y + self.bias[:, None, None]

    def backward(self, grad_output):
        wide = self.spread_out()
        grad_x, grad_wide = np.zeros_like(self.x), np.zeros_like(wide)
        i, o = self.x.shape[1] // self.groups, len(wide) // self.groups
        for here, there in self.windows():
            for group in range(self.groups):
                rows, channels = slice(group * o, group * o + o), slice(group * i, None)
                g, x = grad_output[here][:, rows], self.x[there][:, channels][:, :i]
                grad_x[there][:, channels][:, :i] += np.tensordot(g, wide[rows], 1)
                grad_wide[rows] += np.tensordot(g, x, (0, 0))
        down, across = self.dilation
        self.grad_weight = self.grad_weight + grad_wide[:, :, ::down, ::across]
        if self.bias is not None:
            self.grad_bias = self.grad_bias + grad_output.sum(axis=(0, 2, 3))
        (p, q), (height, width) = self.padding, grad_x.shape[2:]
        return grad_x[:, :, p : height - p, q : width - q]
