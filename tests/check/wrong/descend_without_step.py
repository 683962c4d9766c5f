"""The slope is subtracted whole."""

DIAGNOSIS = "mistake: step size left out"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while error(x) > tolerance and len(points) <= max_steps:
        x = x - derivative(x)
        points.append(x)
    return points
