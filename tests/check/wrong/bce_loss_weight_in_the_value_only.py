"""The weight multiplies the value but is forgotten in the gradient."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


class BCELoss:
    def __init__(self, weight=None):
        self.weight = 1 if weight is None else weight

    def forward(self, input, target):
        self.input, self.target = input, target
        with np.errstate(divide="ignore"):
            yes = np.maximum(np.log(input), -100)
            no = np.maximum(np.log(1 - input), -100)
        return -np.mean(self.weight * (target * yes + (1 - target) * no))

    def backward(self):
        variance = np.maximum(self.input * (1 - self.input), 1e-12)
        return (self.input - self.target) / variance / self.input.size
