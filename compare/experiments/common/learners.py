"""The learners of most lessons: a multilayer perceptron, trained by SGD."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from compare.experiment import MakeLearner, backprop


def mlp(*widths: int, activation: str = "ReLU", bias: bool = True) -> Any:
    """From the library's `nn` to linear layers with activations between them."""

    def model(nn: Any) -> Any:
        layers = []
        for i, o in pairwise(widths):
            layers += [nn.Linear(i, o, bias=bias), getattr(nn, activation)()]
        return nn.Sequential(*layers[:-1])

    return model


def sgd(
    model: Callable[[Any], Any],
    loss: str = "CrossEntropyLoss",
    scheduler: Callable[[Any, Any], Any] | None = None,
    clip: Callable[[Any, Any], Any] | None = None,
    **options: Any,
) -> MakeLearner:
    """A model trained by backpropagation and SGD with these options.

    Args:
        model: from the library's `nn` to a module.
        loss: its name in `nn`.
        scheduler: as for `backprop`.
        clip: as for `backprop`.
        options: of `optim.SGD`, such as `lr`.
    """
    return backprop(
        model=model,
        loss=lambda nn: getattr(nn, loss)(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, **options),
        scheduler=scheduler,
        clip=clip,
    )
