"""The learning rate that stands for none is ten times torch's."""

DIAGNOSIS = "convention: other default"


class SGD:
    def __init__(self, params, lr=0.01):
        self.params, self.lr = list(params), lr

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad
