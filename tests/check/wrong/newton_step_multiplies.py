"""The gradient is multiplied by the matrix of second derivatives, not divided by it."""

DIAGNOSIS = "mistake: multiplied by the Hessian"


def newton_step(gradient, hessian):
    return hessian @ gradient
