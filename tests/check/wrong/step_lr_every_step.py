"""It lowers the rate at every step."""

DIAGNOSIS = "mistake: lowered at every step"


class StepLR:
    def __init__(self, optimizer, step_size, gamma=0.1):
        self.optimizer = optimizer
        self.step_size, self.gamma = step_size, gamma
        self.t = 0

    def step(self):
        self.t += 1
        self.optimizer.lr *= self.gamma
