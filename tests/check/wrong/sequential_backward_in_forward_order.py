"""The backward pass visits the first layer first."""

DIAGNOSIS = "wrong"


class Sequential:
    def __init__(self, *modules):
        self.modules = modules

    def forward(self, x):
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, grad_output):
        for module in self.modules:
            grad_output = module.backward(grad_output)
        return grad_output
