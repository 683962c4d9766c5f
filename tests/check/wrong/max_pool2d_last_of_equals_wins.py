"""Of equal largest numbers the last one gets the gradient."""

import numpy as np

DIAGNOSIS = "convention: gradient at ties"


class MaxPool2d:
    def __init__(self, kernel_size, stride=None):
        self.k = kernel_size
        self.stride = kernel_size if stride is None else stride

    def windows(self, x):
        for i in range((x.shape[-2] - self.k) // self.stride + 1):
            for j in range((x.shape[-1] - self.k) // self.stride + 1):
                down, across = self.stride * i, self.stride * j
                yield i, j, slice(down, down + self.k), slice(across, across + self.k)

    def forward(self, x):
        self.x = x
        rows, columns = ((size - self.k) // self.stride + 1 for size in x.shape[-2:])
        y = np.zeros((*x.shape[:-2], rows, columns), x.dtype)
        for i, j, down, across in self.windows(x):
            y[..., i, j] = x[..., down, across].max(axis=(-2, -1))
        return y

    def backward(self, grad_output):
        grad_x = np.zeros_like(self.x)
        for i, j, down, across in self.windows(self.x):
            window = self.x[..., down, across]
            turned = window.reshape(*window.shape[:-2], -1)[..., ::-1]
            last = self.k**2 - 1 - turned.argmax(axis=-1)
            for at in np.ndindex(last.shape):
                row, column = divmod(int(last[at]), self.k)
                there = (*at, down.start + row, across.start + column)
                grad_x[there] += grad_output[(*at, i, j)]
        return grad_x
