"""The rate is kept in the schedule, and the optimizer never learns of it."""

DIAGNOSIS = "mistake: rate never changes"


class ExponentialLR:
    def __init__(self, optimizer, gamma):
        self.optimizer = optimizer
        self.gamma = gamma
        self.t = 0

    def step(self):
        self.t += 1
        self.lr = self.optimizer.lr * self.gamma**self.t
