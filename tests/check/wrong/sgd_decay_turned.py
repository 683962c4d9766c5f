"""Weight decay is subtracted from the gradient, so that weights grow."""

DIAGNOSIS = "mistake: sign of the weight decay"


class SGD:
    def __init__(self, params, lr=1e-3, weight_decay=0.0):
        self.params = list(params)
        self.lr, self.decay = lr, weight_decay

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.data = p.data - self.lr * (p.grad - self.decay * p.data)
