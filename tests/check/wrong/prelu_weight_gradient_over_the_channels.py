"""The weight gradient is summed over the channels, one number an example."""

import numpy as np

DIAGNOSIS = "mistake: wrong axis"


class PReLU:
    def __init__(self, num_parameters=1):
        self.weight = np.full(num_parameters, 0.25)

    def forward(self, x):
        many = x.ndim > 1 and len(self.weight) > 1
        self.x = x
        self.w = self.weight.reshape(-1, *(1,) * (x.ndim - 2)) if many else self.weight
        return np.where(x > 0, x, self.w * x).reshape(x.shape)

    def backward(self, grad_output):
        terms = grad_output * np.minimum(self.x, 0)
        kept = 0 if len(self.weight) > 1 else None
        others = tuple(range(1, terms.ndim)) if kept == 0 else None
        self.weight_grad = terms.sum(axis=others)
        self.weight_grad = self.weight_grad.reshape(-1)
        return grad_output * np.where(self.x > 0, 1, self.w)
