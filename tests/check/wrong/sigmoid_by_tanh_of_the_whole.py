"""σ(x) = (1 + tanh(x/2)) / 2 is written without halving x inside tanh."""

import numpy as np

DIAGNOSIS = "mistake: argument not halved"


class Sigmoid:
    def forward(self, x):
        self.y = (1 + np.tanh(x)) / 2
        return self.y

    def backward(self, grad_output):
        return grad_output * self.y * (1 - self.y)
