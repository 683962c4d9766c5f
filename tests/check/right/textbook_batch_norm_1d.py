"""Batch normalisation of rows, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


def mean(a):
    return a.mean(axis=0)


class BatchNorm1d:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.grad_weight = self.grad_bias = 0
        self.eps, self.momentum, self.training = eps, momentum, True

    def forward(self, x):
        if x.ndim > 2 or not len(x):
            raise NotImplementedError("rows only")
        self.x, w, b, eps, m = x, self.weight, self.bias, self.eps, self.momentum
        mu, var = self.running_mean, self.running_var
        if self.training:
            mu, var = mean(x), x.var(axis=0)
            self.running_mean = (1 - m) * self.running_mean + m * mu
            unbiased = var * len(x) / (len(x) - 1)
            self.running_var = (1 - m) * self.running_var + m * unbiased
        self.std = np.sqrt(var + eps)
        self.x_hat = (x - mu) / self.std
        self.y = w * self.x_hat + b
        return self.y

    def backward(self, g):
        x_hat, std, w = self.x_hat, self.std, self.weight
        rest = 0
        dw, db = (g * x_hat).sum(axis=rest), g.sum(axis=rest)
        self.grad_weight = self.grad_weight + dw
        self.grad_bias = self.grad_bias + db
        gw = g * w
        if not self.training:
            return gw / std
        by_mean, by_var = mean(gw), x_hat * mean(gw * x_hat)
        return (gw - by_mean - by_var) / std
