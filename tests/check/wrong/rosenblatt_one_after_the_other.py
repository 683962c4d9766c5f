"""The weights change after every example, not after the batch."""

import numpy as np

DIAGNOSIS = "convention: weights changed after every example"


class Rosenblatt:
    def __init__(self, in_features, out_features=1):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        for example, wanted in zip(x, target, strict=True):
            missing = wanted - self.predict(example)
            self.weight = self.weight + np.outer(missing, example)
            self.bias = self.bias + missing
