"""The same searches on tensors: no autograd, and the same draws as in handmade."""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from handmade._numbers import (
    at_least,
    finite,
    finite_number,
    one_number,
    positive,
    whole,
)
from handmade.descent import Trace
from torch_ref import _random
from torch_ref._modes import evaluated


def blind_step(
    error: Callable[[Tensor], Any], x: Tensor, value: float, step: float
) -> tuple[Tensor, float, float]:
    """Step; if the error does not shrink, to the other side; if it never does, halve.

    Returns:
        where it stands now, the error there, and the next step.
    """
    for way in (step, -step):
        found = float(error(x + way))
        if found < value:
            return x + way, found, way
    return x, value, step / 2


@torch.no_grad()
def blind_descent(
    error: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    step: float = 0.1,
    tolerance: float = 0.01,
    budget: int = 10_000,
) -> Trace:
    """`blind_step` while error(x) > tolerance; every question is in the trace.

    Raises:
        ValueError: `step` is 0 or not finite, `tolerance` is not positive and finite,
            or `budget` is below 1.
        ArithmeticError: the error became NaN or infinite; the point's number is named.
    """
    way = finite_number("blind_descent", "step", step)
    if way == 0:
        raise ValueError("blind_descent: step must not be 0: it would never move")
    positive("blind_descent", "tolerance", tolerance)
    whole("blind_descent", "budget", budget, 1)
    trace = Trace()
    value = _ask(trace, error, x)
    while value > tolerance and len(trace.points) < budget:
        x, value, way = blind_step(lambda p: _ask(trace, error, p), x, value, way)
    return trace


@torch.no_grad()
def random_descent(
    error: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    scale: float = 0.1,
    tolerance: float = 0.01,
    budget: int = 10_000,
) -> Trace:
    """Step at random, and stay only where the error is smaller.

    Raises:
        ValueError: `scale` or `tolerance` is not positive and finite, or `budget` is
            below 1.
        ArithmeticError: the error became NaN or infinite; the point's number is named.
    """
    scale = positive("random_descent", "scale", scale)
    positive("random_descent", "tolerance", tolerance)
    whole("random_descent", "budget", budget, 1)
    trace = Trace()
    value = _ask(trace, error, x)
    while value > tolerance and len(trace.points) < budget:
        tried = x + _random.normal(0.0, scale, tuple(x.shape)).to(x)
        found = _ask(trace, error, tried)
        x, value = (tried, found) if found < value else (x, value)
    return trace


class RandomDescent:
    """Wiggles all weights at random, and keeps the change only if the loss shrinks.

    Args:
        model: what is changed.
        criterion: the loss; one number.
        scale: the standard deviation of a change, above 0.
        tries: how many changes are tried on each batch, at least 1.
    """

    def __init__(
        self, model: Module, criterion: Module, *, scale: float = 0.1, tries: int = 1
    ) -> None:
        owner = type(self).__name__
        if next(model.parameters(), None) is None:
            raise ValueError(f"{owner}: the model has no parameters to change")
        self.model = model
        self.criterion = criterion
        self.scale = positive(owner, "scale", scale)
        self.tries = whole(owner, "tries", tries, 1)

    @torch.no_grad()
    def step(self, x: Tensor, target: Tensor) -> float:
        """Try some changes on a batch; returns the loss before them."""
        loss = first = self._loss(x, target)
        for _ in range(self.tries):
            old = {name: a.clone() for name, a in self.model.state_dict().items()}
            weights = parameters_to_vector(self.model.parameters())
            change = _random.normal(0.0, self.scale, (len(weights),)).to(weights)
            vector_to_parameters(weights + change, self.model.parameters())
            new = self._loss(x, target)
            if self.keeps(new - loss):
                loss = new
            else:  # what a forward pass has counted is taken back, too
                self.model.load_state_dict(old)
        return first

    def _loss(self, x: Tensor, target: Tensor) -> float:
        loss = self.criterion(self.model(x), target)
        return one_number(type(self).__name__, "the loss", loss)

    def keeps(self, change: float) -> bool:
        """Whether the weights stay where the loss is larger by `change`."""
        return change < 0

    def predict(self, x: Tensor) -> Tensor:
        """The model's output in evaluation mode."""
        return evaluated(self.model, x)

    def parameters(self) -> dict[str, Tensor]:
        """The data of every parameter and every floating buffer by name."""
        buffers = {n: a for n, a in self.model.named_buffers() if a.is_floating_point()}
        return {n: p.detach() for n, p in self.model.named_parameters()} | buffers

    def gradients(self) -> dict[str, Tensor]:
        """None: a blind search has no direction."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The state of the model."""
        return {"model": self.model.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"{type(self).__name__}.load_state_dict: expected {[*own]}, "
                f"got {[*state_dict]}"
            )
        self.model.load_state_dict(state_dict["model"])

    def to(self, other: Tensor) -> Self:
        """Move model and loss to the dtype and device of `other`."""
        self.model.to(other)
        self.criterion.to(other)
        return self


class Annealing(RandomDescent):
    """Random descent that keeps a worse change with probability exp(−Δ/T).

    Args:
        model: what is changed.
        criterion: the loss; one number.
        scale: the standard deviation of a change, above 0.
        tries: how many changes are tried on each batch, at least 1.
        temperature: the first T, above 0, in units of the loss.
        cooling: what T is multiplied by after every step, in (0, 1).
    """

    def __init__(
        self,
        model: Module,
        criterion: Module,
        *,
        scale: float = 0.1,
        tries: int = 1,
        temperature: float = 1.0,
        cooling: float = 0.99,
    ) -> None:
        super().__init__(model, criterion, scale=scale, tries=tries)
        self.temperature = positive("Annealing", "temperature", temperature)
        self.cooling = finite_number("Annealing", "cooling", cooling)
        if not 0 < self.cooling < 1:
            raise ValueError(f"Annealing: cooling must lie in (0, 1), got {cooling}")

    def step(self, x: Tensor, target: Tensor) -> float:
        """Try some changes on a batch, then cool; returns the loss before them."""
        loss = super().step(x, target)
        self.temperature = self.temperature * self.cooling
        return loss

    def keeps(self, change: float) -> bool:
        """Whether the weights stay: −log of a uniform draw is above Δ/T so often."""
        return change < self.temperature * _random.exponential()

    def parameters(self) -> dict[str, Tensor]:
        """The model's, and the temperature of the next step."""
        own = super().parameters()
        like = next(iter(own.values()))
        return own | {"temperature": like.new_tensor(self.temperature)}

    def state_dict(self) -> dict[str, Any]:
        """The state of the model, and the temperature."""
        return super().state_dict() | {"temperature": self.temperature}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner.
            ValueError: the temperature is below 0; nothing is changed then.
        """
        temperature = state_dict.get("temperature", self.temperature)
        checked = at_least("Annealing", "temperature", temperature, 0)
        super().load_state_dict(state_dict)
        self.temperature = checked


def _ask(trace: Trace, error: Callable[[Tensor], Any], x: Tensor) -> float:
    """The error at x, written into the trace."""
    value = finite(error(x), len(trace.points))
    trace.points.append(x)
    trace.errors.append(value)
    return value


__all__ = [
    "Annealing",
    "RandomDescent",
    "blind_descent",
    "blind_step",
    "random_descent",
]
