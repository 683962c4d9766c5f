"""Cross-entropy of classes, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class CrossEntropyLoss:
    def forward(self, input, target):
        x, n = input, len(target)
        shifted = x - x.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        y = np.zeros_like(x)
        y[np.arange(n), target] = 1
        self.x, self.p, self.y = x, np.exp(log_p), y
        return -(y * log_p).sum() / n

    def backward(self):
        p, y, n = self.p, self.y, len(self.y)
        return (p - y) / n
