"""torch.optim by name."""

from torch.optim import SGD, Optimizer

__all__ = ["SGD", "Optimizer"]
