"""The momentum is given to the old statistic, as optimizers do it."""

import numpy as np

DIAGNOSIS = "mistake: momentum reversed"


class BatchNorm1d:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.grad_weight = self.grad_bias = 0
        self.training = True

    def forward(self, x):
        if self.training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            unbiased = x.var(axis=0, ddof=1)
            m = self.momentum
            self.running_mean = m * self.running_mean + (1 - m) * mean
            self.running_var = m * self.running_var + (1 - m) * unbiased
        else:
            mean, var = self.running_mean, self.running_var
        self.root = np.sqrt(var + self.eps)
        self.x_hat = (x - mean) / self.root
        return self.weight * self.x_hat + self.bias

    def backward(self, grad_output):
        self.grad_weight = self.grad_weight + (grad_output * self.x_hat).sum(axis=0)
        self.grad_bias = self.grad_bias + grad_output.sum(axis=0)
        g = grad_output * self.weight
        if self.training:
            g = g - g.mean(axis=0) - self.x_hat * (g * self.x_hat).mean(axis=0)
        return g / self.root
