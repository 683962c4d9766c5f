"""Pictures become rows of channels, and all is done on those."""

import numpy as np

DIAGNOSIS = "right"


def rows(x):
    return x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def pictures(values, shape):
    n, c, h, w = shape
    return values.reshape(n, h, w, c).transpose(0, 3, 1, 2)


class BatchNorm2d:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = 0 * self.bias, 1 * self.weight
        self.grad_weight = self.grad_bias = 0

    def __call__(self, x):
        z = rows(x)
        mean, var = self.running_mean, self.running_var
        if self.training and len(z):
            mean = z.mean(axis=0)
            var = np.einsum("nc,nc->c", z - mean, z - mean) / len(z)
            m, n = self.momentum, len(z)
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * var * n / (n - 1)
        self.root = np.sqrt(var + self.eps)
        self.hats = (z - mean) / self.root
        return pictures(self.hats * self.weight + self.bias, x.shape)

    def backward(self, grad_output):
        g, n = rows(grad_output), len(self.hats)
        self.grad_weight = self.grad_weight + (g * self.hats).sum(axis=0)
        self.grad_bias = self.grad_bias + g.sum(axis=0)
        g = g * self.weight
        if self.training and n:
            g = g - g.mean(axis=0) - self.hats * (g * self.hats).mean(axis=0)
        return pictures(g / self.root, grad_output.shape)
