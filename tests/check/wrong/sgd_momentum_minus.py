"""The velocity turns round at every step: g − μ v for g + μ v."""

DIAGNOSIS = "mistake: sign of the momentum"


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
            self.velocity[i] = v = g if v is None else g - self.momentum * v
            p.data = p.data - self.lr * v
