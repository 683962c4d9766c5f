"""The sum of the squares for its root."""

DIAGNOSIS = "mistake: root of the norm missing"


def clip_grad_norm_(parameters, max_norm):
    parameters = [p for p in parameters if p.grad is not None]
    norm = sum((p.grad**2).sum() for p in parameters)
    for p in parameters:
        p.grad = p.grad * min(1, max_norm / (norm + 1e-6))
