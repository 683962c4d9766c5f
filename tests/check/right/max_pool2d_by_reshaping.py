"""Windows that lie side by side are two more dimensions; the rest is cut off."""

import numpy as np

DIAGNOSIS = "right"


def tiles(x, k):
    *leading, height, width = x.shape
    cut = x[..., : height // k * k, : width // k * k]
    split = cut.reshape(*leading, height // k, k, width // k, k)
    tiled = np.swapaxes(split, -3, -2)
    return tiled.reshape(*tiled.shape[:-2], k * k)


def max_pool2d(x, kernel_size):
    return tiles(x, kernel_size).max(axis=-1)


def max_pool2d_backward(grad_output, x, kernel_size):
    k, windows = kernel_size, tiles(x, kernel_size)
    wins = np.arange(k * k) == windows.argmax(axis=-1)[..., None]
    shares = wins * grad_output[..., None]
    split = np.swapaxes(shares.reshape(*grad_output.shape, k, k), -3, -2)
    *leading, rows, _, columns, _ = split.shape
    grad_x = np.zeros_like(x)
    together = split.reshape(*leading, rows * k, columns * k)
    grad_x[..., : rows * k, : columns * k] = together
    return grad_x
