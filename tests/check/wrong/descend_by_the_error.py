"""It steps by the error, not by its slope."""

DIAGNOSIS = "mistake: value instead of the derivative"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    while error(x) > tolerance and len(points) <= max_steps:
        x = x - step * error(x)
        points.append(x)
    return points
