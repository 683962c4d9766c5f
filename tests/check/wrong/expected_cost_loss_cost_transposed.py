"""The cost of the true class for the answer, not of the answer for the true class."""

import numpy as np

DIAGNOSIS = "mistake: transposed cost matrix"


def shares(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class ExpectedCostLoss:
    def __init__(self, cost):
        self.cost = cost

    def forward(self, input, target):
        self.p, self.costs = shares(input), self.cost[:, target].T
        self.losses = (self.p * self.costs).sum(axis=1, keepdims=True)
        return self.losses.mean()

    def backward(self):
        return self.p * (self.costs - self.losses) / len(self.p)
