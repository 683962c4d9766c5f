"""It looks at the number of the next step."""

DIAGNOSIS = "mistake: one step early"


class StepLR:
    def __init__(self, optimizer, step_size, gamma=0.1):
        self.optimizer = optimizer
        self.step_size, self.gamma = step_size, gamma
        self.t = 0

    def step(self):
        self.t += 1
        if (self.t + 1) % self.step_size == 0:
            self.optimizer.lr *= self.gamma
