"""AdamW with decay and step taken from the same old weights."""

import numpy as np

DIAGNOSIS = "right"


class AdamW:
    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2
    ):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.decay = lr, betas, eps, weight_decay
        self.moments = [(np.zeros_like(p.data),) * 2 for p in self.params]
        self.t = 0

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad
            m, v = self.moments[i]
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
            self.moments[i] = m, v
            m_hat, v_hat = m / (1 - b1**self.t), v / (1 - b2**self.t)
            change = m_hat / (np.sqrt(v_hat) + self.eps) + self.decay * p.data
            p.data = p.data - self.lr * change

    def zero_grad(self):
        for p in self.params:
            p.grad = None
