"""The step with NumPy's own Heaviside function, 0 at 0."""

import numpy as np

DIAGNOSIS = "right"


class Step:
    def __call__(self, x):
        return np.heaviside(x, 0)

    def backward(self, grad_output):
        return 0 * grad_output
