"""A chain of layers as a first layer and a shorter chain."""

DIAGNOSIS = "right"


class Sequential:
    def __init__(self, *modules):
        self.first, self.rest = modules[0], modules[1:]
        self.chain = Sequential(*self.rest) if self.rest else None

    def forward(self, x):
        y = self.first.forward(x)
        return y if self.chain is None else self.chain.forward(y)

    def backward(self, grad_output):
        if self.chain is not None:
            grad_output = self.chain.backward(grad_output)
        return self.first.backward(grad_output)
