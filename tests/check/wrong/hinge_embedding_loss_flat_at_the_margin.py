"""The slope is 0 already at the margin itself, where torch's is −1."""

import numpy as np

DIAGNOSIS = "convention: kink value"


class HingeEmbeddingLoss:
    def __init__(self, margin=1.0):
        self.margin = margin

    def forward(self, input, target):
        self.saved = input, target
        return np.mean(np.where(target == 1, input, np.maximum(0, self.margin - input)))

    def backward(self):
        input, target = self.saved
        slope = np.where(target == 1, 1.0, np.where(input < self.margin, -1.0, 0.0))
        return slope / input.size
