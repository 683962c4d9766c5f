"""The gradient is put back column by column, so it reaches the wrong entries."""

DIAGNOSIS = "mistake: gradient in column order"


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad_output):
        return grad_output.reshape(self.shape, order="F")
