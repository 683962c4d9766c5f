"""The minus before the logarithms is missing, in the value and in the gradient."""

import numpy as np

DIAGNOSIS = "mistake: sign"


class BCELoss:
    def forward(self, input, target):
        self.input, self.target = input, target
        with np.errstate(divide="ignore"):
            yes = np.maximum(np.log(input), -100)
            no = np.maximum(np.log(1 - input), -100)
        return np.mean(target * yes + (1 - target) * no)

    def backward(self):
        variance = np.maximum(self.input * (1 - self.input), 1e-12)
        return (self.target - self.input) / variance / self.input.size
