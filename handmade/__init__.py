"""Deep-learning basics with every derivative written by hand, on NumPy or torch arrays.

No autograd and no import of torch; each public name has its twin in `torch_ref`.
"""

from handmade import (
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
from handmade._random import manual_seed

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
