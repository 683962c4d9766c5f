"""The backward pass is the straight line everywhere, also where y is flat."""

import numpy as np

DIAGNOSIS = "mistake: upstream gradient handed on unchanged"


class Hardtanh:
    def __init__(self, min_val=-1.0, max_val=1.0):
        self.ends = min_val, max_val

    def forward(self, x):
        return np.clip(x, *self.ends)

    def backward(self, grad_output):
        return 1 * grad_output
