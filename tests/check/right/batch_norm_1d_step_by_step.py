"""Batch normalisation as a chain of small steps; no count, statistics in place."""

import numpy as np

DIAGNOSIS = "right"


class BatchNorm1d:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.weight_grad, self.bias_grad = 0, 0
        self.is_training = True

    def train(self):
        self.is_training = True

    def eval(self):
        self.is_training = False

    def forward(self, x):
        n = len(x)
        mean, var = self.running_mean.copy(), self.running_var.copy()
        if self.is_training:
            mean = x.sum(axis=0) / max(n, 1)
            var = ((x - mean) ** 2).sum(axis=0) / max(n, 1)
        if self.is_training and n:
            self.running_mean += self.momentum * (mean - self.running_mean)
            self.running_var += self.momentum * (var * n / (n - 1) - self.running_var)
        self.centred = x - mean
        self.var = var
        self.x_hat = self.centred * (var + self.eps) ** -0.5
        return self.x_hat * self.weight + self.bias

    def backward(self, grad_output):
        n = len(grad_output)
        self.weight_grad = self.weight_grad + np.einsum(
            "nc,nc->c", grad_output, self.x_hat
        )
        self.bias_grad = self.bias_grad + np.einsum("nc->c", grad_output)
        grad_hat = grad_output * self.weight
        grad_x = grad_hat * (self.var + self.eps) ** -0.5
        if not self.is_training:
            return grad_x
        grad_var = -0.5 * (grad_hat * self.centred).sum(axis=0)
        grad_var = grad_var * (self.var + self.eps) ** -1.5
        grad_x = grad_x + 2 * self.centred * grad_var / n
        return grad_x - grad_x.sum(axis=0) / n
