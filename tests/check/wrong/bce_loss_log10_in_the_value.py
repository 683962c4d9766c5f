"""The value uses log10; the gradient is that of the natural logarithm."""

import math

import numpy as np

DIAGNOSIS = "mistake: log base"


class BCELoss:
    def forward(self, input, target):
        self.input, self.target = input, target
        with np.errstate(divide="ignore"):
            yes = np.maximum(np.log10(input), -100 / math.log(10))
            no = np.maximum(np.log10(1 - input), -100 / math.log(10))
        return -np.mean(target * yes + (1 - target) * no)

    def backward(self):
        variance = np.maximum(self.input * (1 - self.input), 1e-12)
        return (self.input - self.target) / variance / self.input.size
