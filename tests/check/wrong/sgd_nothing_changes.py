"""The new value gets the name w; the parameter keeps the old one."""

DIAGNOSIS = "mistake: parameters never change"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            w = p.data
            w = w - self.lr * p.grad
