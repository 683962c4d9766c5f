"""The weight's gradient keeps one number for each element of x."""

import numpy as np

DIAGNOSIS = "mistake: batch sum forgotten"


class PReLU:
    def __init__(self, num_parameters=1):
        self.weight = np.full(num_parameters, 0.25)

    def forward(self, x):
        many = x.ndim > 1 and len(self.weight) > 1
        self.x = x
        self.w = self.weight.reshape(-1, *(1,) * (x.ndim - 2)) if many else self.weight
        return np.where(x > 0, x, self.w * x).reshape(x.shape)

    def backward(self, grad_output):
        self.weight_grad = grad_output * np.minimum(self.x, 0)
        return grad_output * np.where(self.x > 0, 1, self.w)
