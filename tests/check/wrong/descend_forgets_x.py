"""x is replaced by the step."""

DIAGNOSIS = "mistake: x replaced by the step"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while error(x) > tolerance and len(points) <= max_steps:
        x = -step * derivative(x)
        points.append(x)
    return points
