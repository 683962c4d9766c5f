"""The learning rate is taken, and 0.05 used."""

DIAGNOSIS = "mistake: lr ignored"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - 0.05 * p.grad
