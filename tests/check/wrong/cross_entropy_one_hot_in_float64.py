"""The rows of np.eye are float64, and so the gradient comes back in float64."""

import numpy as np

DIAGNOSIS = "convention: dtype changed"


class CrossEntropyLoss:
    def forward(self, input, target):
        shifted = input - input.max(axis=1, keepdims=True)
        self.log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.target = target
        return -self.log_p[np.arange(len(target)), target].mean()

    def backward(self):
        one_hot = np.eye(self.log_p.shape[1])[self.target]
        return (np.exp(self.log_p) - one_hot) / len(self.target)
