"""What several lessons share; here: multilayer perceptrons, trained, by library."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import handmade
import torch_ref
from compare.backend import Backend
from compare.experiment import MakeLearner, backprop

LIBRARIES = {"handmade": handmade, "torch_ref": torch_ref}
"""For claims that compute something beside the training."""
Model = Callable[[Any], Any]
"""From the library's `nn` to a module."""


def give(library: str, values: Any) -> Any:
    """The values as an array that the library takes: NumPy's, or a tensor."""
    backend = Backend()
    return backend.torch(values) if library == "torch_ref" else backend.handmade(values)


def mlp(*widths: int, activation: str = "ReLU", bias: bool = True) -> Model:
    """Linear layers with activations between them."""

    def model(nn: Any) -> Any:
        layers = []
        for i, o in pairwise(widths):
            layers += [nn.Linear(i, o, bias=bias), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])

    return model


def trained(
    model: Model,
    loss: str | Model = "CrossEntropyLoss",
    optimizer: str = "SGD",
    *,
    scheduler: Callable[[Any, Any], Any] | None = None,
    clip: Callable[[Any, Any], Any] | None = None,
    **options: Any,
) -> MakeLearner:
    """A model trained by backpropagation.

    Args:
        model: from the library's `nn` to a module.
        loss: its name in `nn`, or from `nn` to a loss.
        optimizer: its name in `optim`.
        scheduler: as for `backprop`.
        clip: as for `backprop`.
        options: of the optimiser, such as `lr`.
    """
    return backprop(
        model=model,
        loss=(lambda nn: getattr(nn, loss)()) if isinstance(loss, str) else loss,
        optimizer=lambda optim, p: getattr(optim, optimizer)(p, **options),
        scheduler=scheduler,
        clip=clip,
    )
