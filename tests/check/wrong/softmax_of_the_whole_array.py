"""Maximum and sum run over the whole array, not over each row."""

import numpy as np

DIAGNOSIS = "mistake: softmax over everything"


class Softmax:
    def forward(self, x):
        powers = np.exp(x - np.max(x))
        self.y = powers / np.sum(powers)
        return self.y

    def backward(self, grad_output):
        return self.y * (grad_output - np.sum(grad_output * self.y))
