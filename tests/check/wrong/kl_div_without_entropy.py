"""Only the cross-entropy −Σ y x: the gradient is the same, the value is not."""

import numpy as np

DIAGNOSIS = "mistake: entropy of the target missing"


class KLDivLoss:
    def forward(self, input, target):
        self.target = target
        return -np.mean(target * input)

    def backward(self):
        return -self.target / self.target.size
