"""Every layer gets the gradient of the end, not that of the layer behind it."""

DIAGNOSIS = "wrong"


class Sequential:
    def __init__(self, *modules):
        self.modules = modules

    def forward(self, x):
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, grad_output):
        for module in reversed(self.modules):
            grad_input = module.backward(grad_output)
        return grad_input
