"""The argument maximize is accepted and never used."""

DIAGNOSIS = "mistake: maximize ignored"


class SGD:
    def __init__(self, params, lr=1e-3, *, maximize=False):
        self.params = list(params)
        self.lr, self.maximize = lr, maximize

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad

    def zero_grad(self):
        for p in self.params:
            p.grad = None
