"""The mean divides by N − 1, as the unbiased variance does."""

DIAGNOSIS = "mistake: N/(N−1)"


class MSELoss:
    def forward(self, input, target):
        self.error = input - target
        return (self.error**2).sum() / (self.error.size - 1)

    def backward(self):
        return 2 * self.error / (self.error.size - 1)
