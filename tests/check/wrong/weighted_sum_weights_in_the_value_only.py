"""The weights multiply the values, but not the gradients."""

DIAGNOSIS = "mistake: weights of the sum forgotten"


class WeightedSum:
    def __init__(self, losses):
        self.losses = losses

    def forward(self, input, target):
        return sum(a * loss(input, target) for a, loss in self.losses)

    def backward(self):
        return sum(loss.backward() for _, loss in self.losses)
