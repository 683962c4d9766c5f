"""The mean also runs over the classes, of which all but one count 0."""

import numpy as np

DIAGNOSIS = "convention: mean over elements instead of examples"


class NLLLoss:
    def forward(self, input, target):
        self.picked = (np.arange(input.shape[1]) == target[:, None]).astype(input.dtype)
        return -np.mean(self.picked * input)

    def backward(self):
        return -self.picked / self.picked.size
