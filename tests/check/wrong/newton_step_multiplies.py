"""The gradient is multiplied by the matrix of second derivatives, not divided by it."""

DIAGNOSIS = "bug"


def newton_step(gradient, hessian):
    return hessian @ gradient
