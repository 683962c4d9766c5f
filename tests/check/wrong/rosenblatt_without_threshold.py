"""The raw weighted sum is compared with the target: that is the delta rule."""

import numpy as np

DIAGNOSIS = "mistake: weighted sum instead of the answer"


class Rosenblatt:
    def __init__(self, in_features, out_features=1, lr=1.0):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)
        self.lr = lr

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        z = x @ self.weight.T + self.bias
        loss = np.sum((self.predict(x) - target) * z) / len(x)
        self.weight = self.weight + self.lr * (target - z).T @ x
        self.bias = self.bias + self.lr * (target - z).sum(axis=0)
        return float(loss)
