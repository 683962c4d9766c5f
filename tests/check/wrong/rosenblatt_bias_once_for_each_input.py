"""The bias stands inside the loop over the inputs."""

import numpy as np

DIAGNOSIS = "mistake: bias updated once for each input"


class Rosenblatt:
    def __init__(self, in_features, out_features=1):
        self.weight = np.zeros((out_features, in_features))
        self.bias = np.zeros(out_features)

    def predict(self, x):
        return (x @ self.weight.T + self.bias > 0).astype(x.dtype)

    def step(self, x, target):
        missing = target - self.predict(x)
        for i in range(x.shape[1]):
            self.weight[:, i] += missing.T @ x[:, i]
            self.bias = self.bias + missing.sum(axis=0)
