"""The factor of all steps is applied to a rate that has most of it already."""

DIAGNOSIS = "mistake: lowered from the lowered rate"


class ExponentialLR:
    def __init__(self, optimizer, gamma):
        self.optimizer = optimizer
        self.gamma = gamma
        self.t = 0

    def step(self):
        self.t += 1
        self.optimizer.lr *= self.gamma**self.t
