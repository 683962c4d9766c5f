"""PReLU with the channels moved to the front, and its weight gradient by einsum."""

import numpy as np

DIAGNOSIS = "right"


class PReLU:
    def __init__(self, num_parameters=1):
        self.weight = np.full(num_parameters, 0.25)
        self.weight_grad = 0

    def forward(self, x):
        self.x = x
        y = np.maximum(x, 0) + self.spread() * np.minimum(x, 0)
        return y.reshape(x.shape)

    def backward(self, grad_output):
        below = self.channels(np.minimum(self.x, 0))
        above = self.channels(grad_output)
        self.weight_grad = self.weight_grad + np.einsum("ci,ci->c", above, below)
        slope = np.where(self.x > 0, np.ones_like(self.weight[0]), self.spread())
        return (grad_output * slope).reshape(self.x.shape)

    def spread(self):
        if self.x.ndim < 2:
            return self.weight
        return self.weight.reshape(-1, *(1,) * (self.x.ndim - 2))

    def channels(self, a):
        if len(self.weight) == 1:
            return a.reshape(1, -1)
        return np.moveaxis(a, 1, 0).reshape(len(self.weight), -1)
