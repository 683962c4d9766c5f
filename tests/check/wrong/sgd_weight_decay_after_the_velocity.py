"""The decay is added to the finished velocity instead of to the gradient before it."""

DIAGNOSIS = "mistake: weight decay decoupled"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0, weight_decay=0):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = {}

    def step(self):
        for i, p in enumerate(self.params):
            v = p.grad.copy()
            if i in self.velocity:
                v = v + self.momentum * self.velocity[i]
            self.velocity[i] = v
            p.data = p.data - self.lr * (v + self.weight_decay * p.data)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
