"""Binary cross-entropy of logits, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class BCEWithLogitsLoss:
    def forward(self, input, target):
        x, t = self.x, self.t = input, target
        yes, no = np.logaddexp(0, -x), np.logaddexp(0, x)
        return (t * yes + (1 - t) * no).mean()

    def backward(self):
        x, t, n = self.x, self.t, self.x.size
        p = np.exp(-np.logaddexp(0, -x))
        return (p - t) / n
