"""Only the gradient of the last loss comes back."""

DIAGNOSIS = "mistake: value and gradient do not belong together"


class WeightedSum:
    def __init__(self, losses):
        self.losses = losses

    def forward(self, input, target):
        return sum(a * loss(input, target) for a, loss in self.losses)

    def backward(self):
        for a, loss in self.losses:
            grad = loss.backward(a)
        return grad
