"""After the first step v = μ v + (1 − μ) g, as if dampening were always momentum."""

DIAGNOSIS = "mistake: velocity is a moving average"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = [None for _ in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            v, mu = self.velocity[i], self.momentum
            v = p.grad.copy() if v is None else mu * v + (1 - mu) * p.grad
            self.velocity[i] = v
            p.data = p.data - self.lr * v

    def zero_grad(self):
        for p in self.params:
            p.grad = None
