"""The Kullback-Leibler divergence, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class KLDivLoss:
    def forward(self, input, target):
        x, t = input, target
        self.t, self.n = t, t.size
        log_t = np.log(np.where(t > 0, t, 1))
        return (t * (log_t - x)).mean()

    def backward(self):
        return -self.t / self.n
