"""MSE with all three reductions, the factor of the mean kept apart."""

DIAGNOSIS = "right"


class MSELoss:
    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def forward(self, input, target):
        self.difference = target - input
        self.share = 1 / input.size if self.reduction == "mean" else 1
        squares = self.difference**2
        return squares if self.reduction == "none" else squares.sum() * self.share

    def backward(self, grad_output=1):
        return grad_output * self.share * -2 * self.difference
