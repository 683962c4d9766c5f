"""Rosenblatt's rule: a correction for each wrong example, applied after the batch."""

import numpy as np

DIAGNOSIS = "right"


class Rosenblatt:
    def __init__(self, in_features, out_features=1, lr=1.0):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)
        self.lr = lr

    def predict(self, x):
        return np.heaviside(x @ self.weight.T + self.bias, 0)

    def step(self, x, target):
        missing = target - self.predict(x)
        loss = -np.vdot(missing, x @ self.weight.T + self.bias) / len(x)
        for error, example in zip(missing, x, strict=True):
            self.weight = self.weight + self.lr * np.outer(error, example)
            self.bias = self.bias + self.lr * error
        return float(loss)
