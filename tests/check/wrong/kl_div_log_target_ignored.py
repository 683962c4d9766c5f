"""A target given as logarithms is taken for the shares themselves."""

import numpy as np

DIAGNOSIS = "mistake: option ignored"


class KLDivLoss:
    def __init__(self, log_target=False):
        self.log_target = log_target

    def forward(self, input, target):
        self.target = target
        logs = np.log(np.where(target > 0, target, 1))
        return np.mean(target * (logs - input))

    def backward(self):
        return -self.target / self.target.size
