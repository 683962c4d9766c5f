"""The decay is added into p.grad itself, which belongs to the caller."""

DIAGNOSIS = "mistake: input mutated"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0):
        self.params = list(params)
        self.lr, self.weight_decay = lr, weight_decay

    def step(self):
        for p in self.params:
            p.grad += self.weight_decay * p.data
            p.data = p.data - self.lr * p.grad

    def zero_grad(self):
        for p in self.params:
            p.grad = None
