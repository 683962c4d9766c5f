"""torch.optim by name."""

from torch.optim import SGD, Optimizer

from torch_ref import _lr_scheduler

lr_scheduler = _lr_scheduler

__all__ = ["SGD", "Optimizer"]
