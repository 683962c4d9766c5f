"""With reduction="none" the backward pass drops the upstream gradient."""

DIAGNOSIS = "mistake: upstream gradient forgotten"


class MSELoss:
    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def forward(self, input, target):
        self.error = input - target
        losses = self.error**2
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()

    def backward(self, grad_output=None):
        grad = 2 * self.error
        return grad / grad.size if self.reduction == "mean" else grad
