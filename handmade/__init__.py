"""Deep-learning basics with every derivative written by hand, on NumPy or torch arrays.

No autograd and no import of torch; each public name has its twin in `torch_ref`.
"""

from handmade import (
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
from handmade._random import manual_seed

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
