"""The PyTorch reference: the same public names as `handmade`, with autograd.

torch.nn, torch.autograd and torch.optim do the work. What torch lacks is written here
as a forward pass only, which autograd differentiates.
"""

from torch_ref import (
    accumulation,
    amp,
    autodiff,
    cluster,
    descent,
    distributed,
    forward_forward,
    gpt,
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
    "accumulation",
    "amp",
    "autodiff",
    "cluster",
    "descent",
    "distributed",
    "forward_forward",
    "gpt",
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
