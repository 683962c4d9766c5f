"""The rate is divided by gamma."""

DIAGNOSIS = "mistake: divided by gamma"


class ExponentialLR:
    def __init__(self, optimizer, gamma):
        self.optimizer = optimizer
        self.gamma = gamma
        self.t = 0

    def step(self):
        self.t += 1
        self.optimizer.lr /= self.gamma
