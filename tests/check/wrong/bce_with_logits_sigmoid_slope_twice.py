"""p − y already holds the sigmoid's slope; here p (1 − p) is multiplied again."""

import numpy as np

DIAGNOSIS = "mistake: slope of the sigmoid once more"


class BCEWithLogitsLoss:
    def forward(self, input, target):
        self.input, self.target = input, target
        return np.mean(np.logaddexp(0, input) - target * input)

    def backward(self):
        p = np.exp(-np.logaddexp(0, -self.input))
        return (p - self.target) * p * (1 - p) / p.size
