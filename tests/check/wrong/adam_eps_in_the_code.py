"""eps is written into the code, and larger than torch's."""

import numpy as np

DIAGNOSIS = "convention: another eps"


class Adam:
    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.m = self.v = None
        self.t = 0

    def update(self, params, grads):
        if self.m is None:
            self.m = {name: np.zeros_like(a) for name, a in params.items()}
            self.v = {name: np.zeros_like(a) for name, a in params.items()}
        self.t += 1
        lr = self.lr * np.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)
        for name in params:
            self.m[name] += (1 - self.beta1) * (grads[name] - self.m[name])
            self.v[name] += (1 - self.beta2) * (grads[name] ** 2 - self.v[name])
            params[name] -= lr * self.m[name] / (np.sqrt(self.v[name]) + 1e-7)
