"""Negative entries are set to 0 in the array that the caller passed in."""

DIAGNOSIS = "mistake: input mutated"


class ReLU:
    def forward(self, x):
        self.positive = x > 0
        x[x < 0] = 0
        return x

    def backward(self, grad_output):
        return grad_output * self.positive
