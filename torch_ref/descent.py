"""The same descents without a derivative written down: autograd and torch.func."""

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor

from handmade._numbers import FLAT, finite, positive
from handmade.descent import Trace
from torch_ref.surfaces import Surface


def descend(
    error: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    step: float = 0.1,
    tolerance: float = 0.01,
    max_steps: int = 10_000,
) -> Trace:
    """The course's loop with autograd and torch.optim.SGD: no derivative is given.

    Raises:
        ValueError: `step`, `tolerance` or `max_steps` is not positive and finite.
        ArithmeticError: the error became NaN or infinite; the step is named.
    """
    positive("descend", "tolerance", tolerance)
    positive("descend", "max_steps", max_steps)
    x = x.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=positive("descend", "step", step))
    trace = Trace([x.detach().clone()], [finite(error(x).item(), 0)])
    while trace.errors[-1] > tolerance and trace.steps < max_steps:
        optimizer.zero_grad()
        error(x).backward()
        optimizer.step()
        trace.points.append(x.detach().clone())
        trace.errors.append(finite(error(x).item(), trace.steps))
    return trace


def newton(
    error: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    tolerance: float = 0.01,
    max_steps: int = 10_000,
) -> Trace:
    """The true Newton step with torch.func's gradient and Hessian.

    Raises:
        ValueError: `tolerance` or `max_steps` is not positive and finite.
        ArithmeticError: the error became NaN or infinite, or its second derivative is
            flat.
    """
    positive("newton", "tolerance", tolerance)
    positive("newton", "max_steps", max_steps)
    trace = Trace([x], [finite(error(x).item(), 0)])
    while trace.errors[-1] > tolerance and trace.steps < max_steps:
        gradient, hessian = torch.func.grad(error)(x), torch.func.hessian(error)(x)
        x = x - newton_step(gradient, hessian)
        trace.points.append(x)
        trace.errors.append(finite(error(x).item(), trace.steps))
    return trace


def newton_step(gradient: Tensor, hessian: Tensor) -> Tensor:
    """H⁻¹∇, which for numbers is a quotient.

    Raises:
        ArithmeticError: the second derivative is 0, or the Hessian singular.
    """
    if gradient.ndim == 0:
        if hessian == 0:
            raise ArithmeticError(f"newton: {FLAT}")
        return gradient / hessian
    try:
        return torch.linalg.solve(hessian, gradient)
    except torch.linalg.LinAlgError as reason:  # pyright: ignore[reportPrivateImportUsage]
        raise ArithmeticError(f"newton: {FLAT}") from reason


class Descent:
    """A point on a surface that goes downhill: a learner that needs no data.

    Args:
        surface: what to descend.
        start: the coordinates of the first point.
        lr: the factor of the gradient, above 0; None takes the Newton step.
    """

    def __init__(
        self, surface: Surface, start: Any, *, lr: float | None = None
    ) -> None:
        self.surface = surface
        self.point = torch.nn.Parameter(torch.as_tensor(start).clone())
        self.optimizer = None
        if lr is not None:
            factor = positive("Descent", "lr", lr)
            self.optimizer = torch.optim.SGD([self.point], lr=factor)

    def step(self, x: Tensor, target: Tensor) -> float:
        """Go one step down, whatever the data; returns the height before."""
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
        """The height at the points `x`."""
        return self.surface.value(x)

    def parameters(self) -> dict[str, Tensor]:
        """The point."""
        return {"point": self.point.detach()}

    def gradients(self) -> dict[str, Tensor]:
        """The gradient at the point before."""
        return {} if self.point.grad is None else {"point": self.point.grad}

    def state_dict(self) -> dict[str, Any]:
        """The point."""
        return {"point": self.point.detach()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the point, copied."""
        self.point.data = state_dict["point"].to(self.point, copy=True)

    def to(self, other: Tensor) -> Self:
        """Move to the dtype and device of `other`."""
        self.point.data = self.point.data.to(other)
        return self


__all__ = ["Descent", "Trace", "descend", "newton", "newton_step"]
