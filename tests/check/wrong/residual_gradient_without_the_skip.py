"""The gradient goes through the layers only, not around them."""

DIAGNOSIS = "mistake: skip connection forgotten"


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
            grad = module.backward(grad)
        return grad
