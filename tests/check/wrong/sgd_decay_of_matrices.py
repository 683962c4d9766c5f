"""Only matrices decay, as many train; torch decays whatever it is given."""

DIAGNOSIS = "convention: weight decay skips biases"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0.0):
        self.params = list(params)
        self.lr, self.decay = lr, weight_decay

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            g = p.grad
            if p.data.ndim > 1:
                g = g + self.decay * p.data
            p.data = p.data - self.lr * g
