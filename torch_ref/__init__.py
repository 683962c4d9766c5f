"""The same public names as `handmade`, the PyTorch way.

torch.nn, autograd and torch.optim do the work; what torch lacks is forward-only.
"""

from torch_ref import (
    cluster,
    descent,
    metrics,
    nn,
    optim,
    perceptron,
    semi_supervised,
    surfaces,
    training,
)
from torch_ref._random import manual_seed

__all__ = [
    "cluster",
    "descent",
    "manual_seed",
    "metrics",
    "nn",
    "optim",
    "perceptron",
    "semi_supervised",
    "surfaces",
    "training",
]
