"""A sum as a first loss and the sum of the rest, the weight handed to each backward."""

DIAGNOSIS = "right"


class WeightedSum:
    def __init__(self, losses):
        (self.weight, self.first), *rest = losses
        self.rest = WeightedSum(rest) if rest else None

    def forward(self, input, target):
        value = self.weight * self.first(input, target)
        return value if self.rest is None else value + self.rest.forward(input, target)

    def backward(self):
        grad = self.first.backward(self.weight)
        return grad if self.rest is None else grad + self.rest.backward()
