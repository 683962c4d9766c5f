"""The slope is divided by the step size."""

DIAGNOSIS = "mistake: divided by the step size"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while error(x) > tolerance and len(points) <= max_steps:
        x = x - derivative(x) / step
        points.append(x)
    return points
