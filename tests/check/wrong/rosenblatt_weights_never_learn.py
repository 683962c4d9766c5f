"""Only the bias is moved."""

import numpy as np

DIAGNOSIS = "mistake: weights never learn"


class Rosenblatt:
    def __init__(self, in_features, out_features=1):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        missing = target - self.predict(x)
        self.bias = self.bias + missing.sum(axis=0)
