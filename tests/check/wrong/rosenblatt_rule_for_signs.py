"""y z ≤ 0 tells an error only where labels are −1 and 1."""

import numpy as np

DIAGNOSIS = "mistake: labels 0 and 1 in a rule for −1 and 1"


class Rosenblatt:
    def __init__(self, in_features, out_features=1):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        z = x @ self.weight.T + self.bias
        moved = target * (target * z <= 0)
        self.weight = self.weight + moved.T @ x
        self.bias = self.bias + moved.sum(axis=0)
