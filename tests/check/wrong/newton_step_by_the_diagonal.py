"""Each slope is divided by its own second derivative alone."""

import numpy as np

DIAGNOSIS = "mistake: divided by the diagonal"


def newton_step(gradient, hessian):
    return gradient / np.diag(hessian)
