"""The argument weight_decay is accepted and never used."""

DIAGNOSIS = "mistake: weight decay missing"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0):
        self.params = list(params)
        self.lr, self.weight_decay = lr, weight_decay

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad

    def zero_grad(self):
        for p in self.params:
            p.grad = None
