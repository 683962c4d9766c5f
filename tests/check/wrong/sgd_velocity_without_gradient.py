"""After the first step the velocity only dies away."""

DIAGNOSIS = "mistake: gradient missing in the velocity"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0.0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v = self.velocity[i]
            if v is None or not self.momentum:
                self.velocity[i] = v = p.grad
            else:
                self.velocity[i] = v = self.momentum * v
            p.data = p.data - self.lr * v
