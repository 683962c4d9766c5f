"""Gradient descent with a fixed step, and Newton's method.

What the course calls simplified Newton is gradient descent: the step has a fixed
factor. The true Newton step divides by the second derivative instead.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from handmade._array import (
    Array,
    array_namespace,
    check,
    converted,
    require_shape,
)
from handmade._learner import require_names
from handmade._numbers import FLAT, finite, one_number, positive, real_number
from handmade.surfaces import Surface

Function = Callable[[Any], Any]


@dataclass
class Trace:
    """The points of a descent, and the error at each."""

    points: list[Any] = field(default_factory=list[Any])
    errors: list[float] = field(default_factory=list[float])

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.points) - 1


def descend(
    error: Function,
    derivative: Function,
    x: Any,
    *,
    step: float = 0.1,
    tolerance: float = 0.01,
    max_steps: int = 10_000,
) -> Trace:
    """The course's loop: while error(x) > 0.01: x ← x − error′(x)·step.

    Args:
        error: from x to a number at least 0.
        derivative: error′, or the gradient where x is an array.
        x: where to start: a float, or a floating array (n,).
        step: the fixed factor of the gradient.
        tolerance: stop once error(x) is no larger.
        max_steps: stop here at the latest.

    Raises:
        ValueError: `step`, `tolerance` or `max_steps` is not positive and finite.
        ArithmeticError: the error became NaN or infinite; the step is named.

    >>> descend(lambda x: x * x, lambda x: 2 * x, 1.0).steps
    11
    """
    factor = positive("descend", "step", step)
    tolerance = positive("descend", "tolerance", tolerance)
    positive("descend", "max_steps", max_steps)
    return _walk(error, lambda x: derivative(x) * factor, x, tolerance, max_steps)


def newton(
    error: Function,
    derivative: Function,
    second_derivative: Function,
    x: Any,
    *,
    tolerance: float = 0.01,
    max_steps: int = 10_000,
) -> Trace:
    """The true Newton step: x ← x − error′(x) / error″(x), or H⁻¹∇ where x is an array.

    Args:
        error: from x to a number at least 0.
        derivative: error′, or the gradient (n,).
        second_derivative: error″, or the Hessian (n, n).
        x: where to start: a float, or a floating array (n,).
        tolerance: stop once error(x) is no larger.
        max_steps: stop here at the latest.

    Raises:
        ValueError: `tolerance` or `max_steps` is not positive and finite.
        ArithmeticError: the error became NaN or infinite (the step is named), or the
            second derivative is flat: see `newton_step`.

    >>> newton(lambda x: x * x, lambda x: 2 * x, lambda x: 2.0, 1.0).steps
    1
    """
    tolerance = positive("newton", "tolerance", tolerance)
    positive("newton", "max_steps", max_steps)
    return _walk(
        error,
        lambda x: newton_step(derivative(x), second_derivative(x)),
        x,
        tolerance,
        max_steps,
    )


def newton_step(gradient: Any, hessian: Any) -> Any:
    """H⁻¹∇, which for numbers is a quotient.

    Args:
        gradient: error′, or ∇ (…, n).
        hessian: error″, or H (…, n, n).

    Raises:
        ArithmeticError: error″ is 0, or H is singular: the error is flat in some
            direction, so no step leads to where its slope is 0.
    """
    if not getattr(gradient, "ndim", 0):
        gradient, hessian = (_number(a) for a in (gradient, hessian))
        if hessian == 0:
            raise ArithmeticError(f"newton: {FLAT}")
        return gradient / hessian
    xp = check("newton", gradient=gradient, hessian=hessian)
    require_shape("newton", "hessian", hessian, (*gradient.shape, gradient.shape[-1]))
    try:
        return xp.linalg.solve(hessian, xp.expand_dims(gradient, axis=-1))[..., 0]
    except (np.linalg.LinAlgError, RuntimeError) as reason:
        if "LinAlgError" not in type(reason).__name__:  # torch's is a RuntimeError
            raise
        raise ArithmeticError(f"newton: {FLAT}") from reason


def _number(value: Any) -> Any:
    """`value`, once it is known to be a number, be it an array of no dimension."""
    if getattr(value, "ndim", 0):
        raise ValueError(f"newton: expected a number, got shape {tuple(value.shape)}")
    return value if hasattr(value, "dtype") else real_number("newton", "each", value)


class Descent:
    """A point that descends a surface: a learner that needs no data.

    Args:
        surface: what to descend.
        start: the coordinates of the first point.
        lr: the factor of the gradient, above 0; None takes the Newton step.
    """

    def __init__(
        self, surface: Surface, start: Array, *, lr: float | None = None
    ) -> None:
        if not isinstance(surface, Surface):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"Descent: surface must be a Surface, got {type(surface).__name__}"
            )
        array_namespace("Descent", start=start)
        self.surface = surface
        self.point: Array = start
        self.gradient: Array | None = None
        self.lr = None if lr is None else positive("Descent", "lr", lr)

    def step(self, x: Array, target: Array) -> float:
        """Go one step down, whatever the data; returns the height before."""
        height = one_number("Descent", "the height", self.surface.value(self.point))
        gradient = self.surface.gradient(self.point)
        if self.lr is None:
            change = newton_step(gradient, self.surface.hessian(self.point))
        else:
            change = self.lr * gradient
        self.gradient = gradient
        self.point = self.point - change
        return height

    def predict(self, x: Array) -> Array:
        """The height at the points `x`."""
        return self.surface.value(x)

    def parameters(self) -> dict[str, Array]:
        """The point."""
        return {"point": self.point}

    def gradients(self) -> dict[str, Array]:
        """The gradient at the point before."""
        return {} if self.gradient is None else {"point": self.gradient}

    def state_dict(self) -> dict[str, Any]:
        """The point."""
        return {"point": self.point}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the point, copied.

        Raises:
            KeyError: it is the state of another kind of learner.
            TypeError: it is no dict, or the point is no array of numbers.
            ValueError: the point has another shape.
        """
        require_names("Descent", self.state_dict(), state_dict)
        require_shape("Descent", "point", state_dict["point"], self.point.shape)
        self.point = converted(state_dict["point"], like=self.point)

    def to(self, other: Array) -> Self:
        """Move to the library, dtype and device of the array `other`."""
        self.point = converted(self.point, like=other)
        return self


def _walk(
    error: Function, change: Function, x: Any, tolerance: float, max_steps: int
) -> Trace:
    trace = Trace([x], [finite(error(x), 0)])
    for _ in range(int(max_steps)):
        if trace.errors[-1] <= tolerance:
            break
        x = x - change(x)
        trace.points.append(x)
        trace.errors.append(finite(error(x), trace.steps))
    return trace


__all__ = ["Descent", "Trace", "descend", "newton", "newton_step"]
