"""The ramp goes on after its end."""

DIAGNOSIS = "mistake: end of the ramp"


class LinearLR:
    def __init__(self, optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5):
        self.optimizer = optimizer
        self.start, self.end, self.total = start_factor, end_factor, total_iters
        self.base = optimizer.lr
        optimizer.lr = self.base * start_factor
        self.t = 0

    def step(self):
        self.t += 1
        share = self.t / self.total
        factor = self.start + (self.end - self.start) * share
        self.optimizer.lr = self.base * factor
