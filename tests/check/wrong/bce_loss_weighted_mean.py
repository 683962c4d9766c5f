"""The weighted losses are divided by the sum of the weights, not by their number."""

import numpy as np

DIAGNOSIS = "mistake: divided by the sum of the weights"


class BCELoss:
    def __init__(self, weight=None):
        self.weight = weight

    def forward(self, input, target):
        weight = np.ones_like(input) if self.weight is None else self.weight
        weight = np.broadcast_to(weight, input.shape)
        self.saved = input, target, weight / weight.sum()
        with np.errstate(divide="ignore"):
            yes = np.maximum(np.log(input), -100)
            no = np.maximum(np.log(1 - input), -100)
        return -np.sum(self.saved[2] * (target * yes + (1 - target) * no))

    def backward(self):
        input, target, share = self.saved
        return share * (input - target) / np.maximum(input * (1 - input), 1e-12)
