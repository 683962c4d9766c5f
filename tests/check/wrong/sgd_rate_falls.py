"""The learning rate falls by a hundredth with every step."""

DIAGNOSIS = "mistake: lr changes by itself"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr, self.t = lr, 0

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            if i == 0:
                self.t += 1
            p.data = p.data - self.lr * 0.99**self.t * p.grad
