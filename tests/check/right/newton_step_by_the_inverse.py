"""The Newton step with the inverse matrix computed as such."""

import numpy as np

DIAGNOSIS = "right"


def newton_step(gradient, hessian):
    return np.linalg.inv(hessian) @ gradient
