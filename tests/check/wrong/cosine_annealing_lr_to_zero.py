"""The rate falls to 0, whatever eta_min is."""

import numpy as np

DIAGNOSIS = "mistake: eta_min ignored"


class CosineAnnealingLR:
    def __init__(self, optimizer, T_max, eta_min=0.0):
        self.optimizer = optimizer
        self.T_max, self.eta_min, self.base = T_max, eta_min, optimizer.lr
        self.t = 0

    def step(self):
        self.t += 1
        self.optimizer.lr = 0.5 * self.base * (1 + np.cos(np.pi * self.t / self.T_max))
