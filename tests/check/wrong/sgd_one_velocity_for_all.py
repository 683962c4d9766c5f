"""All parameters share one velocity, so one's gradient moves the other."""

DIAGNOSIS = "mistake: one state for all parameters"


class SGD:
    def __init__(self, params, lr=1e-3, momentum=0):
        self.params = list(params)
        self.lr, self.momentum = lr, momentum
        self.velocity = 0

    def step(self):
        for p in self.params:
            self.velocity = self.momentum * self.velocity + p.grad
            p.data = p.data - self.lr * self.velocity

    def zero_grad(self):
        for p in self.params:
            p.grad = None
