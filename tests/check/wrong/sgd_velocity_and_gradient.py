"""It steps by the velocity and, once more, by the gradient that is in it."""

DIAGNOSIS = "mistake: gradient added to the velocity again"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0.0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v, g = self.velocity[i], p.grad
            self.velocity[i] = v = g if v is None else self.momentum * v + g
            p.data = p.data - self.lr * (v + g if self.momentum else g)
