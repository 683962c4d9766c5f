"""It lowers the rate once and never again."""

DIAGNOSIS = "mistake: lowered only once"


class StepLR:
    def __init__(self, optimizer, step_size, gamma=0.1):
        self.optimizer = optimizer
        self.step_size, self.gamma = step_size, gamma
        self.t = 0

    def step(self):
        self.t += 1
        if self.t == self.step_size:
            self.optimizer.lr *= self.gamma
