"""The answers are −1 and 1, the labels 0 and 1."""

import numpy as np

DIAGNOSIS = "mistake: answers and labels in different codes"


class Rosenblatt:
    def __init__(self, in_features, out_features=1):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        missing = target - np.sign(x @ self.weight.T + self.bias)
        self.weight = self.weight + missing.T @ x
        self.bias = self.bias + missing.sum(axis=0)
