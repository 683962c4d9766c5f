"""Expected cost through the whole Jacobian of the softmax, example by example."""

import numpy as np

DIAGNOSIS = "right"


class ExpectedCostLoss:
    def __init__(self, cost):
        self.cost = cost

    def __call__(self, input, target):
        n = len(input)
        self.grad = np.zeros_like(input)
        total = 0
        for i in range(n):
            powers = np.exp(input[i] - input[i].max())
            p = powers / powers.sum()
            total += p @ self.cost[target[i]] / n
            self.grad[i] = (np.diag(p) - np.outer(p, p)) @ self.cost[target[i]] / n
        return total

    def backward(self):
        return self.grad
