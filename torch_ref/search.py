"""Search without a gradient: pseudo-derivative, random descent, simulated annealing."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from torch_ref import _random
from torch_ref._checks import at_least, finite_number, positive, scalar, whole
from torch_ref.descent import Trace
from torch_ref.training import ModelLearner


def blind_step(
    error: Callable[[Tensor], Any], x: Tensor, value: float, step: float
) -> tuple[Tensor, float, float]:
    """Try a step, then its opposite; if neither lowers the error, halve the step.

    Args:
        error: from a point to a number.
        x: the current point.
        value: the error at x.
        step: what to add to x.

    Returns:
        the new point, the error there, and the next step.
    """
    for trial in (step, -step):
        found = float(error(x + trial))
        if found < value:
            return x + trial, found, trial
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
    """Repeat `blind_step` while error(x) > tolerance.

    Args:
        error: from a point to a number.
        x: the start.
        step: the first step; its sign is the first direction.
        tolerance: stop once error(x) is no larger.
        budget: stop after this many evaluations; all of them are in the trace.

    Raises:
        ValueError: `step` is 0 or not finite, `tolerance` is not positive and finite,
            or `budget` is below 1.
        ArithmeticError: the error became NaN or infinite; the message names the step.
    """
    step = finite_number("blind_descent", "step", step)
    if step == 0:
        raise ValueError("blind_descent: step must not be 0: it would never move")
    positive("blind_descent", "tolerance", tolerance)
    whole("blind_descent", "budget", budget, 1)
    trace = Trace()
    value = trace.evaluate(error, x)
    while value > tolerance and len(trace.points) < budget:
        x, value, step = blind_step(lambda p: trace.evaluate(error, p), x, value, step)
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
    """Add Gaussian noise to x; keep it only where the error is smaller.

    Args:
        error: from a point to a number.
        x: the start.
        scale: the standard deviation of a step.
        tolerance: stop once error(x) is no larger.
        budget: stop after this many evaluations; all of them are in the trace.

    Raises:
        ValueError: `scale` or `tolerance` is not positive and finite, or `budget` is
            below 1.
        ArithmeticError: the error became NaN or infinite; the message names the step.
    """
    scale = positive("random_descent", "scale", scale)
    positive("random_descent", "tolerance", tolerance)
    whole("random_descent", "budget", budget, 1)
    trace = Trace()
    value = trace.evaluate(error, x)
    while value > tolerance and len(trace.points) < budget:
        trial = x + _random.normal(0.0, scale, tuple(x.shape)).to(x)
        found = trace.evaluate(error, trial)
        if found < value:
            x, value = trial, found
    return trace


class RandomDescent(ModelLearner):
    """Add Gaussian noise to all weights; keep it only if the loss gets smaller.

    Args:
        model: the module to train.
        criterion: the loss; one number.
        scale: the standard deviation of the noise, above 0.
        tries: how many changes are tried on each batch, at least 1.
    """

    def __init__(
        self, model: Module, criterion: Module, *, scale: float = 0.1, tries: int = 1
    ) -> None:
        owner = type(self).__name__
        if next(model.parameters(), None) is None:
            raise ValueError(f"{owner}: the model has no parameters to change")
        super().__init__(model)
        self.criterion = criterion
        self.scale = positive(owner, "scale", scale)
        self.tries = whole(owner, "tries", tries, 1)

    @torch.no_grad()
    def step(self, x: Tensor, target: Tensor) -> float:
        """Try some changes on a batch; return the loss before them."""
        loss = first = self._loss(x, target)
        for _ in range(self.tries):
            old = {name: a.clone() for name, a in self.model.state_dict().items()}
            weights = parameters_to_vector(self.model.parameters())
            change = _random.normal(0.0, self.scale, (len(weights),)).to(weights)
            vector_to_parameters(weights + change, self.model.parameters())
            new = self._loss(x, target)
            if self.keeps(new - loss):
                loss = new
            else:  # restores the running statistics of the forward pass, too
                self.model.load_state_dict(old)
        return first

    def _loss(self, x: Tensor, target: Tensor) -> float:
        loss = self.criterion(self.model(x), target)
        return scalar(type(self).__name__, "the loss", loss)

    def keeps(self, change: float) -> bool:
        """Decide whether to keep weights that change the loss by `change`."""
        return change < 0

    def gradients(self) -> dict[str, Tensor]:
        """Return an empty dict: this search has no gradient."""
        return {}


class Annealing(RandomDescent):
    """Simulated annealing: keep a worse change with probability exp(−Δ/T).

    Args:
        model: the module to train.
        criterion: the loss; one number.
        scale: the standard deviation of the noise, above 0.
        tries: how many changes are tried on each batch, at least 1.
        temperature: the first T, above 0, in units of the loss.
        cooling: the factor of T after every step, in (0, 1).
    """

    stateful = ("model", "temperature")

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
        """Try some changes on a batch, then cool; return the loss before them."""
        loss = super().step(x, target)
        self.temperature = self.temperature * self.cooling
        return loss

    def keeps(self, change: float) -> bool:
        """Decide whether to keep weights that change the loss by `change`.

        P(e > Δ/T) = exp(−Δ/T) for e from the exponential distribution.
        """
        return change < self.temperature * _random.exponential()

    def parameters(self) -> dict[str, Tensor]:
        """Return the model's parameters, and the temperature of the next step."""
        own = super().parameters()
        like = next(iter(own.values()))
        return own | {"temperature": like.new_tensor(self.temperature)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; tensors are copied.

        Raises:
            KeyError: the names differ, as in the state of another kind of learner.
            ValueError: the temperature is below 0; nothing is changed then.
        """
        if "temperature" in state_dict:
            at_least("Annealing", "temperature", state_dict["temperature"], 0)
        super().load_state_dict(state_dict)


__all__ = [
    "Annealing",
    "RandomDescent",
    "blind_descent",
    "blind_step",
    "random_descent",
]
