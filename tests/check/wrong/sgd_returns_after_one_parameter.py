"""A return inside the loop leaves all parameters but the first as they are."""

DIAGNOSIS = "mistake: only one parameter changes"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is not None:
                p.data = p.data - self.lr * p.grad
                return

    def zero_grad(self):
        for p in self.params:
            p.grad = None
