"""The gradient is divided by its length, as if its rows were examples."""

DIAGNOSIS = "mistake: gradient averaged"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * p.grad / len(p.grad)
