"""Binary cross-entropy of probabilities, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class BCELoss:
    def forward(self, input, target):
        p, t = self.p, self.t = input, target
        with np.errstate(divide="ignore"):
            yes, no = np.maximum(np.log(p), -100), np.maximum(np.log(1 - p), -100)
        return -(t * yes + (1 - t) * no).mean()

    def backward(self):
        p, t, n = self.p, self.t, self.p.size
        return (p - t) / np.maximum(p * (1 - p), 1e-12) / n
