"""The same public names as `handmade`, the PyTorch way.

torch.nn, autograd and torch.optim do the work; what torch lacks is forward-only.
"""

from torch_ref import (
    autodiff,
    cluster,
    descent,
    distributed,
    forward_forward,
    metrics,
    nn,
    optim,
    perceptron,
    quantize,
    search,
    semi_supervised,
    surfaces,
    training,
    variational,
)
from torch_ref._random import manual_seed

__all__ = [
    "autodiff",
    "cluster",
    "descent",
    "distributed",
    "forward_forward",
    "manual_seed",
    "metrics",
    "nn",
    "optim",
    "perceptron",
    "quantize",
    "search",
    "semi_supervised",
    "surfaces",
    "training",
    "variational",
]
