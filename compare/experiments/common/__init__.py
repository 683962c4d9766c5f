"""What several lessons share; here: multilayer perceptrons and how they are trained."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from compare.experiment import MakeLearner, backprop

Model = Callable[[Any], Any]  # from the library's `nn` to a module


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
    """A model trained by `backprop`; loss and optimizer by name, with its options."""
    return backprop(
        model=model,
        loss=(lambda nn: getattr(nn, loss)()) if isinstance(loss, str) else loss,
        optimizer=lambda optim, p: getattr(optim, optimizer)(p, **options),
        scheduler=scheduler,
        clip=clip,
    )
