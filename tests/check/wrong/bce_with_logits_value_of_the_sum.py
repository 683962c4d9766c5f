"""The value is the sum of the losses, the gradient that of their mean."""

import numpy as np

DIAGNOSIS = "mistake: sum in the value, mean in the gradient"


class BCEWithLogitsLoss:
    def __call__(self, input, target):
        self.input, self.target = input, target
        yes, no = np.logaddexp(0, -input), np.logaddexp(0, input)
        return np.sum(target * yes + (1 - target) * no)

    def backward(self):
        p = np.exp(-np.logaddexp(0, -self.input))
        return (p - self.target) / p.size
