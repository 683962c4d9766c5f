"""The examples are flattened, too: the first dimension is lost."""

DIAGNOSIS = "mistake: examples flattened, too"


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(-1)

    def backward(self, grad_output):
        return grad_output.reshape(self.shape)
