"""Only the weights are moved; the bias stays where it started."""

import numpy as np

DIAGNOSIS = "mistake: bias never learns"


class Rosenblatt:
    def __init__(self, in_features, out_features=1, lr=1.0):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)
        self.lr = lr

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        wrong = self.predict(x) - target
        loss = np.sum(wrong * (x @ self.weight.T + self.bias)) / len(x)
        self.weight = self.weight - self.lr * wrong.T @ x
        return float(loss)
