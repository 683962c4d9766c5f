"""The cosine goes through a whole wave, down and up again."""

import numpy as np

DIAGNOSIS = "mistake: angle of the cosine"


class CosineAnnealingLR:
    def __init__(self, optimizer, T_max, eta_min=0.0):
        self.optimizer = optimizer
        self.T_max, self.eta_min, self.base = T_max, eta_min, optimizer.lr
        self.t = 0

    def step(self):
        self.t += 1
        self.optimizer.lr = self.eta_min + 0.5 * (self.base - self.eta_min) * (
            1 + np.cos(2 * np.pi * self.t / self.T_max)
        )
