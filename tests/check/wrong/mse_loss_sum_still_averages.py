"""reduction="sum" is accepted, but the gradient is divided by N all the same."""

DIAGNOSIS = "mistake: 1/N too often"


class MSELoss:
    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def forward(self, input, target):
        self.error = input - target
        losses = self.error**2
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()

    def backward(self, grad_output=None):
        grad = 2 * self.error
        return grad * grad_output if self.reduction == "none" else grad / grad.size
