"""The plainest SGD: it raises where a parameter has no gradient."""

DIAGNOSIS = "convention: no gradient not handled"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad
