"""It counts one step too many in every period."""

DIAGNOSIS = "mistake: period off by one"


class StepLR:
    def __init__(self, optimizer, step_size, gamma=0.1):
        self.optimizer = optimizer
        self.step_size, self.gamma = step_size, gamma
        self.t = 0

    def step(self):
        self.t += 1
        if self.t % (self.step_size + 1) == 0:
            self.optimizer.lr *= self.gamma
