"""Optimisers with torch.optim's names, defaults and state.

Each writes one pure function: parameter, gradient and state in, new parameter out.
"""

from handmade.optim import lr_scheduler as lr_scheduler
from handmade.optim.optimizer import Optimizer
from handmade.optim.sgd import SGD

__all__ = ["SGD", "Optimizer"]
