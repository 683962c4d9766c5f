"""Half the sum of the squared errors: neither torch's mean nor its factor."""

import numpy as np

DIAGNOSIS = "convention: factor ½, and 1/N missing"


def mean_squared_error(y, t):
    return 0.5 * np.sum((y - t) ** 2)
