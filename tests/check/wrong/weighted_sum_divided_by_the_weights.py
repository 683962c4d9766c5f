"""A weighted mean: the sum is divided by the sum of the weights."""

DIAGNOSIS = "mistake: divided by the sum of the weights"


class WeightedSum:
    def __init__(self, losses):
        total = sum(a for a, _ in losses)
        self.losses = [(a / total, loss) for a, loss in losses]

    def forward(self, input, target):
        return sum(a * loss(input, target) for a, loss in self.losses)

    def backward(self):
        return sum(loss.backward(a) for a, loss in self.losses)
