"""The decay is 2 λ θ, the derivative of λ θ² without the ½ that torch's λ implies."""

DIAGNOSIS = "mistake: weight decay twice"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0):
        self.params = list(params)
        self.lr, self.weight_decay = lr, weight_decay

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * (p.grad + 2 * self.weight_decay * p.data)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
