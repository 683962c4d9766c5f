"""Every step is as long as the step size."""

import numpy as np

DIAGNOSIS = "mistake: sign of the derivative alone"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while error(x) > tolerance and len(points) <= max_steps:
        x = x - step * np.sign(derivative(x))
        points.append(x)
    return points
