"""The step function, as in a textbook."""

import numpy as np

DIAGNOSIS = "right"


class Step:
    def forward(self, x):
        self.x, self.y = x, np.where(x > 0, 1, 0).astype(x.dtype)
        return self.y

    def backward(self, grad_output):
        return 0 * grad_output
