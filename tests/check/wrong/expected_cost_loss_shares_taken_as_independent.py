"""Each share's own slope only, as if raising one did not lower the others."""

import numpy as np

DIAGNOSIS = "mistake: value and gradient do not belong together"


def shares(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class ExpectedCostLoss:
    def __init__(self, cost):
        self.cost = cost

    def forward(self, input, target):
        self.p, self.costs = shares(input), self.cost[target]
        return (self.p * self.costs).sum(axis=1).mean()

    def backward(self):
        return self.p * (1 - self.p) * self.costs / len(self.p)
