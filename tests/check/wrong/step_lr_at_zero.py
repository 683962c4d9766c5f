"""0 is a multiple of step_size, too, and it counts afterwards."""

DIAGNOSIS = "mistake: lowered at step 0"


class StepLR:
    def __init__(self, optimizer, step_size, gamma=0.1):
        self.optimizer = optimizer
        self.step_size, self.gamma = step_size, gamma
        self.t = 0

    def step(self):
        if self.t % self.step_size == 0:
            self.optimizer.lr *= self.gamma
        self.t += 1
