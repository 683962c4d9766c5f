"""The units to drop are picked by where; methods switch the mode."""

import numpy as np

DIAGNOSIS = "right"


class Dropout:
    def __init__(self, p=0.5):
        self.p, self.drops = p, True

    def train(self):
        self.drops = True

    def eval(self):
        self.drops = False

    def scaled(self, values):
        if not self.drops:
            return values
        rate = self.p if self.p < 1 else 0
        return np.where(self.gone, 0, values / values.dtype.type(1 - rate))

    def __call__(self, x):
        self.gone = np.random.default_rng().random(x.shape) < self.p
        return self.scaled(x)

    def backward(self, grad_output):
        return self.scaled(grad_output)
