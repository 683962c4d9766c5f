"""Cross-entropy, example by example and class by class."""

import numpy as np

DIAGNOSIS = "right"


class CrossEntropyLoss:
    def __call__(self, input, target):
        n, classes = input.shape
        self.grad = np.zeros_like(input)
        loss = 0
        for i in range(n):
            powers = [np.exp(x - max(input[i])) for x in input[i]]
            loss += max(input[i]) - input[i][target[i]] + np.log(sum(powers))
            for c in range(classes):
                truth = 1 if c == target[i] else 0
                self.grad[i, c] = (powers[c] / sum(powers) - truth) / n
        return loss / n

    def backward(self):
        return self.grad
