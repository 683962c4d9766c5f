"""It stops by the length of the step, not by the error."""

DIAGNOSIS = "mistake: stops at the wrong error"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while abs(step * derivative(x)) > tolerance and len(points) <= max_steps:
        x = x - step * derivative(x)
        points.append(x)
    return points
