"""The negative log-likelihood with class weights and ignored examples."""

import numpy as np

DIAGNOSIS = "right"


class NLLLoss:
    def __init__(self, weight=None, ignore_index=-100):
        self.weight, self.ignore_index = weight, ignore_index

    def forward(self, input, target):
        kept = target != self.ignore_index
        column = np.where(kept, target, 0)[:, None]
        weight = np.ones_like(input[0]) if self.weight is None else self.weight
        share = kept * weight[column[:, 0]]
        share = share / share.sum()
        self.grad = np.zeros_like(input)
        np.put_along_axis(self.grad, column, -share[:, None], axis=1)
        return -share @ np.take_along_axis(input, column, axis=1)[:, 0]

    def backward(self):
        return self.grad.copy()
