"""maximize also turns the weight decay round, so the weights grow."""

DIAGNOSIS = "mistake: sign of the weight decay"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0, *, maximize=False):
        self.params = list(params)
        self.lr, self.weight_decay, self.maximize = lr, weight_decay, maximize

    def step(self):
        for p in self.params:
            g = p.grad + self.weight_decay * p.data
            p.data = p.data + self.lr * (g if self.maximize else -g)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
