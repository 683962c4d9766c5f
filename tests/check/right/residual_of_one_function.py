"""The layers are one function, made by recursion; the way around is added last."""

DIAGNOSIS = "right"


class Residual:
    def __init__(self, first, *others):
        self.first = first
        self.rest = Residual(*others) if others else None

    def change(self, x):
        y = self.first.forward(x)
        return self.rest.change(y) if self.rest else y

    def grad_change(self, grad):
        if self.rest:
            grad = self.rest.grad_change(grad)
        return self.first.backward(grad)

    def forward(self, x):
        return self.change(x) + x

    def backward(self, grad_output):
        return self.grad_change(grad_output) + grad_output
