"""max(0, margin − x y), the hinge of a classifier: alike things are free from 1 on."""

import numpy as np

DIAGNOSIS = "mistake: hinge of a classifier"


class HingeEmbeddingLoss:
    def __init__(self, margin=1.0):
        self.margin = margin

    def forward(self, input, target):
        self.target, self.missing = target, self.margin - input * target
        return np.mean(np.maximum(0, self.missing))

    def backward(self):
        slope = np.where(self.missing > 0, -self.target, 0.0)
        return slope / slope.size
