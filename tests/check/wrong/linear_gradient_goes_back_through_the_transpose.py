"""The input gradient uses Wᵀ for W; unless W is square, the shapes do not even fit."""

DIAGNOSIS = "mistake: transposed weight"


def linear(x, weight, bias):
    return x @ weight.T + bias


def linear_backward(grad_output, x, weight, bias):
    return grad_output @ weight.T, grad_output.T @ x, grad_output.sum(axis=0)
