"""How surprising x is to who believes y: the divergence is not symmetric."""

import numpy as np

DIAGNOSIS = "mistake: divergence the other way round"


class KLDivLoss:
    def forward(self, input, target):
        logs = np.log(np.where(target > 0, target, 1))
        self.share, self.log_ratio = np.exp(input), input - logs
        return np.mean(self.share * self.log_ratio)

    def backward(self):
        return self.share * (self.log_ratio + 1) / self.share.size
