"""The way around is counted at every layer."""

DIAGNOSIS = "mistake: gradient around each layer"


class Residual:
    def __init__(self, *modules):
        self.modules = modules

    def forward(self, x):
        y = x
        for module in self.modules:
            y = module.forward(y)
        return x + y

    def backward(self, grad_output):
        grad = grad_output
        for module in reversed(self.modules):
            grad = grad + module.backward(grad)
        return grad
