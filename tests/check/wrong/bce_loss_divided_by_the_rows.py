"""The sum over all elements is divided by the number of rows."""

import numpy as np

DIAGNOSIS = "convention: mean over examples instead of elements"


class BCELoss:
    def forward(self, input, target):
        self.input, self.target = input, target
        with np.errstate(divide="ignore"):
            yes = np.maximum(np.log(input), -100)
            no = np.maximum(np.log(1 - input), -100)
        return -(target * yes + (1 - target) * no).sum() / input.shape[0]

    def backward(self):
        variance = np.maximum(self.input * (1 - self.input), 1e-12)
        return (self.input - self.target) / variance / self.input.shape[0]
