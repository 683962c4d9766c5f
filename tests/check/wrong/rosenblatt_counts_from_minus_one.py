"""Answers are recoded to −1 and 1, so each error counts 2 and each step is doubled."""

import numpy as np

DIAGNOSIS = "mistake: factor 2"


class Rosenblatt:
    def __init__(self, in_features, out_features=1, lr=1.0):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)
        self.lr = lr

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        z = x @ self.weight.T + self.bias
        missing = (2 * target - 1) - (2 * self.predict(x) - 1)
        self.weight = self.weight + self.lr * missing.T @ x
        self.bias = self.bias + self.lr * missing.sum(axis=0)
        return float(-np.sum(missing / 2 * z) / len(x))
