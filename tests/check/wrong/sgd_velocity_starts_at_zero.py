"""The velocity starts at 0, so the dampening already shrinks the first gradient."""

DIAGNOSIS = "mistake: momentum's first step"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, dampening=0):
        self.params = list(params)
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.velocity = [0 * p.data for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            g = p.grad
            if self.momentum:
                g = self.momentum * self.velocity[i] + (1 - self.dampening) * g
                self.velocity[i] = g
            p.data = p.data - self.lr * g

    def zero_grad(self):
        for p in self.params:
            p.grad = None
