"""The weight gets the bias's gradient: x̂ is forgotten."""

import numpy as np

DIAGNOSIS = "mistake: x̂ missing in the weight gradient"


def channels(values):
    return values.reshape(1, -1, 1, 1)


class BatchNorm2d:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = np.ones(num_features), np.zeros(num_features)
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.grad_weight = self.grad_bias = 0
        self.training = True

    def forward(self, x):
        if self.training:
            mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            unbiased = x.var(axis=(0, 2, 3), ddof=1)
            m = self.momentum
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * unbiased
        else:
            mean, var = self.running_mean, self.running_var
        self.root = channels(np.sqrt(var + self.eps))
        self.x_hat = (x - channels(mean)) / self.root
        return channels(self.weight) * self.x_hat + channels(self.bias)

    def backward(self, grad_output):
        grad_weight = grad_output.sum(axis=(0, 2, 3))
        self.grad_weight = self.grad_weight + grad_weight
        self.grad_bias = self.grad_bias + grad_output.sum(axis=(0, 2, 3))
        g = grad_output * channels(self.weight)
        if self.training:
            means = g.mean(axis=(0, 2, 3)), (g * self.x_hat).mean(axis=(0, 2, 3))
            g = g - channels(means[0]) - self.x_hat * channels(means[1])
        return g / self.root
