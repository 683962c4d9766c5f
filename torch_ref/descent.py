"""Gradient descent and Newton's method on a function, derivatives by autograd."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter, ParameterDict

from torch_ref._checks import positive, scalar
from torch_ref.surfaces import Surface
from torch_ref.training import ModelLearner


@dataclass
class Trace:
    """Every point at which a descent evaluated the error, and the errors there."""

    points: list[Any] = field(default_factory=list[Any])
    errors: list[float] = field(default_factory=list[float])

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self.points) - 1

    def evaluate(self, error: Callable[[Tensor], Any], x: Tensor) -> float:
        """Append x and the error there; return the error.

        Raises:
            ArithmeticError: the error is NaN or infinite; the message names the step.
            ValueError: the error is not one number.
        """
        value = scalar("descent", "the error", error(x))
        if not math.isfinite(value):
            step = len(self.points)
            raise ArithmeticError(f"descent: the error became {value} at step {step}")
        self.points.append(x)
        self.errors.append(value)
        return value


def descend(
    error: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    step: float = 0.1,
    tolerance: float = 0.01,
    max_steps: int = 10_000,
) -> Trace:
    """Gradient descent, x ← x − step · ∇error(x), while error(x) > tolerance.

    Args:
        error: from x to a number at least 0, in differentiable operations.
        x: the start.
        step: the learning rate.
        tolerance: stop once error(x) is no larger.
        max_steps: stop after this many steps at the latest.

    Raises:
        ValueError: `step`, `tolerance` or `max_steps` is not positive and finite.
        ArithmeticError: the error became NaN or infinite; the message names the step.
    """
    positive("descend", "tolerance", tolerance)
    positive("descend", "max_steps", max_steps)
    x = x.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=positive("descend", "step", step))
    trace = Trace()
    value = trace.evaluate(error, x.detach().clone())
    while value > tolerance and trace.steps < max_steps:
        optimizer.zero_grad()
        error(x).backward()
        optimizer.step()
        value = trace.evaluate(error, x.detach().clone())
    return trace


def newton(
    error: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    tolerance: float = 0.01,
    max_steps: int = 10_000,
) -> Trace:
    """Newton's method, x ← x − H⁻¹∇error(x), while error(x) > tolerance.

    Args:
        error: from x to a number at least 0, in differentiable operations.
        x: the start: a number, shape (), or a vector (n,).
        tolerance: stop once error(x) is no larger.
        max_steps: stop after this many steps at the latest.

    Raises:
        ValueError: `tolerance` or `max_steps` is not positive and finite.
        ArithmeticError: the error became NaN or infinite, or the Hessian is singular.
    """
    positive("newton", "tolerance", tolerance)
    positive("newton", "max_steps", max_steps)
    trace = Trace()
    value = trace.evaluate(error, x)
    while value > tolerance and trace.steps < max_steps:
        gradient, hessian = torch.func.grad(error)(x), torch.func.hessian(error)(x)
        x = x - newton_step(gradient, hessian)
        value = trace.evaluate(error, x)
    return trace


def newton_step(gradient: Tensor, hessian: Tensor) -> Tensor:
    """Return H⁻¹∇; for a function of one number, f′/f″.

    Shape:
        gradient () and hessian (), or gradient (n,) and hessian (n, n).

    Raises:
        ArithmeticError: the second derivative is 0, or the Hessian singular.
    """
    singular = (
        "newton: the second derivative is singular (flat): "
        "the Newton step does not exist"
    )
    if gradient.ndim == 0:
        if hessian == 0:
            raise ArithmeticError(singular)
        return gradient / hessian
    try:
        return torch.linalg.solve(hessian, gradient)
    except torch.linalg.LinAlgError as reason:  # pyright: ignore[reportPrivateImportUsage]
        raise ArithmeticError(singular) from reason


class Descent(ModelLearner):
    """Descent on a surface as a learner: its parameter is the point; it needs no data.

    Args:
        surface: the function to minimise.
        start: the coordinates of the first point.
        lr: the learning rate, positive and finite; None takes Newton steps.
    """

    def __init__(
        self, surface: Surface, start: Any, *, lr: float | None = None
    ) -> None:
        self.surface = surface
        self.point = Parameter(torch.as_tensor(start).clone())
        super().__init__(ParameterDict({"point": self.point}))
        self.optimizer = None
        if lr is not None:
            factor = positive("Descent", "lr", lr)
            self.optimizer = torch.optim.SGD([self.point], lr=factor)

    def step(self, x: Tensor, target: Tensor) -> float:
        """Take one step, whatever the data; return the value before it."""
        self.point.grad = None
        height = self.surface.value(self.point)
        height.backward()
        if self.optimizer is not None:
            self.optimizer.step()
        else:
            point = self.point.detach()
            hessian = torch.func.hessian(self.surface.value)(point)
            self.point.data = point - newton_step(self.gradients()["point"], hessian)
        return height.item()

    def predict(self, x: Tensor) -> Tensor:
        """Return the surface's value at the points `x`."""
        return self.surface.value(x)

    def state_dict(self) -> dict[str, Any]:
        """Return the point."""
        return self.parameters()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned, copied."""
        self.model.load_state_dict(state_dict)


__all__ = ["Descent", "Trace", "descend", "newton", "newton_step"]
