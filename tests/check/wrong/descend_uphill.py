"""The step is added instead of subtracted, so the error grows."""

DIAGNOSIS = "mistake: sign"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while error(x) > tolerance and len(points) <= max_steps:
        x = x + step * derivative(x)
        points.append(x)
    return points
