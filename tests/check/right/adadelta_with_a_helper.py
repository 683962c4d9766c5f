"""Adadelta with the paper's RMS as a function."""

DIAGNOSIS = "right"


class Adadelta:
    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6):
        self.params = list(params)
        self.lr, self.rho, self.eps = lr, rho, eps
        self.squares = [0 * p.data for p in self.params]
        self.moves = [0 * p.data for p in self.params]

    def moved(self, average, new):
        return average + (1 - self.rho) * (new * new - average)

    def rms(self, average):
        return (average + self.eps) ** 0.5

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.squares[i] = self.moved(self.squares[i], p.grad)
            delta = p.grad * self.rms(self.moves[i]) / self.rms(self.squares[i])
            self.moves[i] = self.moved(self.moves[i], delta)
            p.data = p.data - self.lr * delta

    def zero_grad(self):
        for p in self.params:
            p.grad = None
