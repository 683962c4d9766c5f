"""A learner whose backward pass nobody wrote: the tape finds the gradient."""

from collections.abc import Callable
from typing import Any

import array_api_compat

from compare.experiment import MakeLearner


def net(ad: Any, weights: dict[str, Any], x: Any) -> Any:
    """The forward pass of Linear, ReLU, Linear, with their names for the weights."""
    hidden = ad.relu(x @ weights["0.weight"].T + weights["0.bias"])
    return hidden @ weights["2.weight"].T + weights["2.bias"]


def cross_entropy(ad: Any, logits: Any, target: Any) -> Any:
    """The mean of log Σ eᶻ − z of the right class, with the largest z taken off."""
    n, xp = len(target), array_api_compat.array_namespace(target)
    rows = xp.arange(n, dtype=xp.int64, device=array_api_compat.device(target))
    z = logits - ad.amax(logits, dim=1, keepdim=True)
    return ad.sum(ad.log(ad.sum(ad.exp(z), dim=1)) - z[rows, target]) / n


def tape_learner(
    model: Callable[[Any], Any], optimizer: Callable[[Any, Any], Any]
) -> MakeLearner:
    """As `backprop` with CrossEntropyLoss; only `step` is not the usual one.

    Args:
        model: from the library's `nn` to Linear, ReLU, Linear.
        optimizer: from the library's `optim` and parameters to an optimiser.
    """

    def make(library: Any) -> Any:
        class TapeLearner(library.training.GradientLearner):
            def step(self, x: Any, target: Any) -> float:
                parameters = dict(self.model.named_parameters())

                def loss(*weights: Any) -> Any:
                    named = dict(zip(parameters, weights, strict=True))
                    return cross_entropy(library.autodiff, net_of(named, x), target)

                def net_of(named: dict[str, Any], x: Any) -> Any:
                    return net(library.autodiff, named, x)

                every = tuple(range(len(parameters)))
                differentiated = library.autodiff.grad_and_value(loss, every)
                weights = [p.data for p in parameters.values()]
                gradients, value = differentiated(*weights)
                for p, gradient in zip(parameters.values(), gradients, strict=True):
                    p.grad = gradient
                self.optimizer.step()
                return float(value)

        return TapeLearner(
            model(library.nn),
            library.nn.CrossEntropyLoss(),
            lambda parameters: optimizer(library.optim, parameters),
        )

    return make
