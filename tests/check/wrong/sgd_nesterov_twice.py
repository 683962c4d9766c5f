"""With nesterov it looks ahead along a velocity that looks ahead already."""

DIAGNOSIS = "mistake: nesterov's look-ahead twice"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.nesterov = lr, momentum, nesterov
        self.velocity = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v, g = self.velocity[i], p.grad
            self.velocity[i] = v = g if v is None else self.momentum * v + g
            if self.nesterov:
                v = g + self.momentum * (g + self.momentum * v)
            p.data = p.data - self.lr * v
