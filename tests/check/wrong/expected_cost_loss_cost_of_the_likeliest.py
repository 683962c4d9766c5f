"""The cost of the likeliest answer as the value: its true gradient would be 0."""

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
        return self.cost[target, input.argmax(axis=1)].mean()

    def backward(self):
        losses = (self.p * self.costs).sum(axis=1, keepdims=True)
        return self.p * (self.costs - losses) / len(self.p)
