"""Rosenblatt's rule in words: add what should have fired, subtract what should not."""

import numpy as np

DIAGNOSIS = "right"


class Rosenblatt:
    def __init__(self, in_features, out_features=1, lr=1.0):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)
        self.lr = lr

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        z, fired = x @ self.weight.T + self.bias, self.predict(x)
        for unit in range(len(self.bias)):
            silent = (target[:, unit] == 1) & (fired[:, unit] == 0)
            loud = (target[:, unit] == 0) & (fired[:, unit] == 1)
            push = x[silent].sum(axis=0) - x[loud].sum(axis=0)
            self.weight[unit] += self.lr * push
            self.bias[unit] += self.lr * (silent.sum() - loud.sum())
        return float(np.abs(z[fired != target]).sum()) / len(x)
