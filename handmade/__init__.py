"""Deep-learning basics with every derivative written by hand, on NumPy or torch arrays.

No autograd and no import of torch; each public name has its twin in `torch_ref`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from handmade._random import manual_seed

if TYPE_CHECKING:
    from handmade import (
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


def __getattr__(name: str) -> Any:
    """Import a submodule when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'handmade' has no attribute {name!r}")
    return import_module(f"handmade.{name}")


def __dir__() -> list[str]:
    """The public names."""
    return __all__
