"""SGD with every option, its velocities in a dictionary."""

DIAGNOSIS = "right"


class SGD:
    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
    ):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.kept, self.decay, self.nesterov = 1 - dampening, weight_decay, nesterov
        self.sign = -1 if maximize else 1
        self.velocity = {}

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = move = self.decay * p.data + self.sign * p.grad
            if self.momentum:
                old = self.velocity.get(i)
                move = g if old is None else self.kept * g + self.momentum * old
                self.velocity[i] = move
            if self.nesterov:
                move = self.momentum * move + g
            p.data = p.data - move * self.lr

    def zero_grad(self):
        for p in self.params:
            p.grad = None
