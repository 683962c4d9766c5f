"""The gradient p − y belongs to the weighted sum before the sigmoid, not to p."""

import numpy as np

DIAGNOSIS = "mistake: gradient by the logits"


class BCELoss:
    def forward(self, input, target):
        self.input, self.target = input, target
        with np.errstate(divide="ignore"):
            yes = np.maximum(np.log(input), -100)
            no = np.maximum(np.log(1 - input), -100)
        return -np.mean(target * yes + (1 - target) * no)

    def backward(self):
        return (self.input - self.target) / self.input.size
