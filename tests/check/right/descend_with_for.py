"""Gradient descent with a for loop and an early way out."""

DIAGNOSIS = "right"


def descend(error, derivative, x, step=0.1, tolerance=0.01, max_steps=100):
    points = [x]
    for _ in range(max_steps):
        if error(points[-1]) <= tolerance:
            break
        points.append(points[-1] - derivative(points[-1]) * step)
    return points
