"""zero_grad forgets nothing, so the gradients of all steps add up."""

import numpy as np

DIAGNOSIS = "mistake: gradients not cleared"


class SGD:
    def __init__(self, params, lr=1e-3):
        self.params = list(params)
        self.lr = lr

    def step(self):
        for p in self.params:
            p.data = p.data - self.lr * p.grad

    def zero_grad(self):
        for p in self.params:
            grad = p.grad
            if grad is not None:
                grad = np.zeros_like(grad)
