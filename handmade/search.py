"""Derivative-free optimisation: random search and simulated annealing.

A budget counts evaluations of the error.
"""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from handmade._array import (
    Array,
    check,
    converted,
    device,
)
from handmade._learner import ModelLearner, require_criterion, require_names
from handmade._numbers import (
    at_least,
    finite,
    finite_number,
    one_number,
    positive,
    whole,
)
from handmade._random import exponential, normal
from handmade.descent import Trace
from handmade.nn._reduction import Loss
from handmade.nn.module import Module, Parameter

Function = Callable[[Any], Any]


def blind_step(
    error: Function, x: Any, value: float, step: Any
) -> tuple[Any, float, Any]:
    """One step of the course's descent without a derivative.

    Forward:
        1. step to x + s; if the error shrinks, stay there and go on with s
        2. it grew: turn round and go twice as far back, to x + s − 2s = x − s; if the
           error is now smaller than at x, stay there and go on with −s
        3. both sides are higher: back to x, and from now on half as far, with s / 2

        The course says 1 and 2; without 3 the walk swings about the lowest point for
        ever, at the distance of a step.

    Args:
        error: from a point to a number.
        x: where it stands.
        value: error(x), as it was measured before.
        step: s, signed: to the right or to the left.

    Returns:
        where it stands now, the error there, and the next s. An error that is equal has
        not shrunk.

    Raises:
        TypeError: x or s is neither a number nor a floating-point array, or an error is
            no number.
        ValueError: an error is an array of several numbers.

    >>> blind_step(lambda x: x * x, 2.0, 4.0, 0.5)  # 2.5 is higher, 1.5 is lower
    (1.5, 2.25, -0.5)
    """
    _require_place("blind_step", x, step)
    value, error = one_number("blind_step", "value", value), _measured(error)
    ahead = x + step
    if (found := error(ahead)) < value:
        return ahead, found, step
    behind = x - step
    if (found := error(behind)) < value:
        return behind, found, -step
    return x, value, step / 2


def blind_descent(
    error: Function,
    x: Any,
    *,
    step: float = 0.1,
    tolerance: float = 0.01,
    budget: int = 10_000,
) -> Trace:
    """The lowest point, found blind: `blind_step` while error(x) > tolerance.

    Args:
        error: from x to a number.
        x: where to start: a number.
        step: the first one, not 0; a negative one goes left.
        tolerance: stop once the error is no larger.
        budget: stop once the error was asked for so often; the last step may ask for
            one more.

    Returns:
        every point at which the error was asked for, also where it was not better.

    Raises:
        ValueError: `step` is 0 or not finite, `tolerance` is not positive and finite,
            or `budget` is below 1, or the error is not one number.
        ArithmeticError: the error became NaN or infinite; the point's number is named.
    """
    way = finite_number("blind_descent", "step", step)
    if way == 0:
        raise ValueError("blind_descent: step must not be 0: it would never move")
    tolerance = positive("blind_descent", "tolerance", tolerance)
    budget = whole("blind_descent", "budget", budget, 1)
    trace, asked = _asked(error)
    value = asked(x)
    while value > tolerance and len(trace.points) < budget:
        x, value, way = blind_step(asked, x, value, way)
    return trace


def random_descent(
    error: Function,
    x: Any,
    *,
    scale: float = 0.1,
    tolerance: float = 0.01,
    budget: int = 10_000,
) -> Trace:
    """Random search: take a random step if the error decreases.

    Forward:
        x′ = x + scale · z, z from N(0, 1) for each coordinate
        x ← x′ if error(x′) < error(x)

    Args:
        error: from x to a number.
        x: where to start: a float, or a floating array (n,).
        scale: the standard deviation of a step, in each coordinate.
        tolerance: stop once the error is no larger.
        budget: stop once the error was asked for so often.

    Returns:
        every point at which the error was asked for, also where it was not better.

    Raises:
        ValueError: `scale` or `tolerance` is not positive and finite, or `budget` is
            below 1, or the error is not one number.
        ArithmeticError: the error became NaN or infinite; the point's number is named.
    """
    scale = positive("random_descent", "scale", scale)
    tolerance = positive("random_descent", "tolerance", tolerance)
    budget = whole("random_descent", "budget", budget, 1)
    trace, asked = _asked(error)
    value = asked(x)
    while value > tolerance and len(trace.points) < budget:
        tried = x + _random_step(scale, x)
        if (found := asked(tried)) < value:
            x, value = tried, found
    return trace


class RandomDescent(ModelLearner):
    """Random search: perturbs all weights and keeps the change if the loss decreases.

    Forward:
        w′ = w + scale · z, z from N(0, 1) for each weight
        w ← w′ if L(w′) < L(w), both on the same batch

    A step costs 1 + tries forward passes: the old weights are measured on every batch
    anew, since the loss on one batch says nothing of another. There is no backward
    pass.

    At the kink:
        An equal loss is no better: the weights stay. Where the two losses differ by
        rounding only, rounding decides, and two libraries may go two ways.

    Args:
        model: what is changed; any function with parameters, smooth or not.
        criterion: the loss; one number.
        scale: the standard deviation of a change, above 0.
        tries: how many changes are tried on each batch, at least 1.

    Torch:
        None; `torch_ref.search.RandomDescent` draws the same changes after the same
        `manual_seed`.
    """

    def __init__(
        self, model: Module, criterion: Loss, *, scale: float = 0.1, tries: int = 1
    ) -> None:
        owner = type(self).__name__
        super().__init__(model)
        require_criterion(owner, criterion)
        if next(model.parameters(), None) is None:
            raise ValueError(f"{owner}: the model has no parameters to change")
        self.criterion = criterion
        self.scale = positive(owner, "scale", scale)
        self.tries = whole(owner, "tries", tries, 1)

    def step(self, x: Array, target: Array) -> float:
        """Try some changes on a batch; returns the loss before them.

        Raises:
            ValueError: the loss is not one number; no weight has changed then.
        """
        before = value = self._loss(x, target)
        for _ in range(self.tries):
            old = self._places()
            self._wiggle()
            found = self._loss(x, target)
            if self.keeps(found - value):
                value = found
            else:  # what a forward pass has counted is taken back, too
                for holder, name, array in old:
                    setattr(holder, name, array)
        return before

    def keeps(self, change: float) -> bool:
        """Whether the weights stay where the loss is larger by `change`."""
        return change < 0

    def _loss(self, x: Array, target: Array) -> float:
        loss = self.criterion(self.model(x), target)
        return one_number(type(self).__name__, "the loss", loss)

    def _places(self) -> list[tuple[Parameter | Module, str, Array | None]]:
        """Every array of the model's state: who holds it, as what, and itself."""
        weights = [(p, "data", p.data) for p in self.model.parameters()]
        modules = self.model.modules()
        buffers = [(m, n, getattr(m, n)) for m in modules for n in m.buffer_names]
        return [*weights, *buffers]

    def _wiggle(self) -> None:
        for parameter in self.model.parameters():
            step = _random_step(self.scale, parameter.data)
            parameter.data = parameter.data + step

    def gradients(self) -> dict[str, Array]:
        """Empty: a search has no gradient."""
        return {}


class Annealing(RandomDescent):
    """Simulated annealing: accepts increases, too, fewer as it cools.

    Forward:
        w′ = w + scale · z, and Δ = L(w′) − L(w) on the same batch
        w ← w′ if Δ < 0, else with probability exp(−Δ / T)
        T ← cooling · T after every step

    Hot, it wanders freely and can leave a valley that is not the deepest; cold, it is
    `RandomDescent`. The best weights that it passed are not remembered.

    Stability:
        Nothing is divided by T, which in the end is 0: with e from the exponential
        distribution, Δ < T·e has the probability exp(−Δ / T), and holds where Δ < 0.

    Args:
        model: what is changed.
        criterion: the loss; one number.
        scale: the standard deviation of a change, above 0.
        tries: how many changes are tried on each batch, at least 1.
        temperature: the first T, above 0, in units of the loss.
        cooling: what T is multiplied by after every step, in (0, 1).

    Source:
        S. Kirkpatrick, C. D. Gelatt and M. P. Vecchi, "Optimization by Simulated
        Annealing", Science 220 (1983).
    """

    stateful = ("model", "temperature")

    def __init__(
        self,
        model: Module,
        criterion: Loss,
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

    def step(self, x: Array, target: Array) -> float:
        """Try some changes on a batch, then cool; returns the loss before them."""
        before = super().step(x, target)
        self.temperature *= self.cooling
        return before

    def keeps(self, change: float) -> bool:
        """Whether the weights stay where the loss is larger by `change`."""
        return change < self.temperature * exponential()

    def parameters(self) -> dict[str, Array]:
        """The model's, and the temperature of the next step."""
        own = super().parameters()
        like = next(iter(own.values()))
        xp = check("Annealing", like=like)
        heat = xp.full((), self.temperature, dtype=like.dtype, device=device(like))
        return own | {"temperature": heat}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Raises:
            KeyError: it is the state of another kind of learner.
            TypeError: it is no dict, or the temperature no number.
            ValueError: the temperature is below 0; nothing is changed then.
        """
        require_names("Annealing", self.state_dict(), state_dict)
        at_least("Annealing", "temperature", state_dict["temperature"], 0)
        super().load_state_dict(state_dict)


def _measured(error: Function) -> Callable[[Any], float]:
    """The error function, once what it gives is known to be one number."""
    return lambda x: one_number("blind_step", "the error", error(x))


def _require_place(owner: str, x: Any, step: Any) -> None:
    """Refuse what is neither a number nor a floating-point array."""
    for name, value in (("x", x), ("step", step)):
        if not isinstance(value, Real):
            check(owner, **{name: value})


def _asked(error: Function) -> tuple[Trace, Callable[[Any], float]]:
    """An empty trace, and the error function that records each evaluation in it."""
    trace = Trace()

    def asked(x: Any) -> float:
        value = finite(error(x), len(trace.points))
        trace.points.append(x)
        trace.errors.append(value)
        return value

    return trace, asked


def _random_step(scale: float, x: Any) -> Any:
    """A draw from N(0, scale²) for each number in `x`, of its kind."""
    if not hasattr(x, "dtype"):
        return float(normal(0.0, scale, ()))
    xp = check("random step", x=x)
    drawn = converted(normal(0.0, scale, (math.prod(x.shape),)), like=x)
    return xp.reshape(drawn, x.shape)


__all__ = [
    "Annealing",
    "RandomDescent",
    "blind_descent",
    "blind_step",
    "random_descent",
]
