"""RMSprop, whose averages move towards the new value; centred by v − ḡ²."""

DIAGNOSIS = "right"


class RMSprop:
    def __init__(
        self, params, lr=1e-2, alpha=0.99, eps=1e-8, momentum=0, centered=False
    ):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.share, self.eps, self.centered = 1 - alpha, eps, centered
        self.kept = [{"v": 0.0, "g": 0.0, "b": 0.0} for _ in self.params]

    def step(self):
        for p, kept in zip(self.params, self.kept, strict=True):
            if p.grad is None:
                continue
            kept["v"] = kept["v"] + self.share * (p.grad**2 - kept["v"])
            kept["g"] = kept["g"] + self.share * (p.grad - kept["g"])
            mean = kept["g"] if self.centered else 0.0
            kept["b"] = self.momentum * kept["b"] + p.grad / (
                (kept["v"] - mean * mean) ** 0.5 + self.eps
            )
            p.data = p.data - self.lr * kept["b"]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
