"""Differentiation: torch.func (forward and reverse mode) and finite differences."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, cos, exp, log, reshape, sin, sqrt, sum, tanh, transpose
from torch.func import grad, grad_and_value, hessian, jvp, vjp

from torch_ref._checks import positive

Function = Callable[[Tensor], Any]
OFFSET = 0.6180339887498949
"""Relative distance at which `complex_step` tests that a real f is constant.

Not a round number, so that a symmetric f has another value there.
"""


def forward_difference(func: Function, x: Tensor, h: float | None = None) -> Tensor:
    """Return (f(x + h eᵢ) − f(x)) / h; by default h = √ε max(1, |xᵢ|).

    Raises:
        ValueError: x is not finite, h not positive, or f(x) not one number.
    """
    owner = "forward_difference"
    steps = _steps(owner, x, h, 1 / 2)
    here = _one_number(owner, func(x))
    return _quotients(x, lambda e: _one_number(owner, func(x + e)) - here, steps)


def central_difference(func: Function, x: Tensor, h: float | None = None) -> Tensor:
    """Return (f(x + h eᵢ) − f(x − h eᵢ)) / 2h; by default h = ∛ε max(1, |xᵢ|).

    Raises:
        ValueError: x is not finite, h not positive, or f(x) not one number.
    """
    owner = "central_difference"

    def change(e: Tensor) -> Tensor:
        return _one_number(owner, func(x + e)) - _one_number(owner, func(x - e))

    return _quotients(x, change, _steps(owner, x, h, 1 / 3)) / 2


def complex_step(func: Function, x: Tensor, h: float = 1e-20) -> Tensor:
    """Return Im f(x + ih eᵢ) / h for an analytic f; 0 where f is a real constant.

    Raises:
        TypeError: f is real but not constant: it drops the imaginary part, as |x| does.
        ValueError: h is not positive, or f(x) not one number.
    """
    owner = "complex_step"
    steps = x.numel() * [positive(owner, "h", h)]

    def imaginary(e: Tensor) -> Tensor:
        value = _one_number(owner, func(torch.complex(x, e)))
        if value.is_complex():
            return value.imag
        far = torch.complex(x + OFFSET * (1 + x.abs()), torch.zeros_like(x))
        if value == _one_number(owner, func(far)):
            return torch.zeros_like(value)
        raise TypeError(f"{owner}: something in the function drops the imaginary part")

    return _quotients(x, imaginary, steps)


def hvp(func: Function, x: Tensor, v: Tensor) -> Tensor:
    """Return the Hessian of func at x times the vector v."""
    return jvp(grad(func), (x,), (v,))[1]


def relu(x: Tensor) -> Tensor:
    """Return max(0, x); for a complex x, x where its real part is above 0, else 0."""
    return x * (x.real > 0) if x.is_complex() else torch.relu(x)


def amax(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the maximum; of complex numbers the one with the largest real part.

    Equal maxima share the gradient evenly.
    """
    dim = () if dim is None else dim
    if not x.is_complex():
        return torch.amax(x, dim, keepdim)
    largest = x.real == torch.amax(x.real, dim, keepdim=True)
    return (x * largest).sum(dim, keepdim) / largest.sum(dim, keepdim)


def _steps(owner: str, x: Tensor, h: float | None, root: float) -> list[float]:
    """Return the step of each entry; a default h makes (x + h) − x = h exact.

    Near the largest number of the dtype it is negative, so that x + h is finite.
    """
    if not x.isfinite().all():
        raise ValueError(f"{owner}: x must be finite, got NaN or infinity")
    largest = torch.finfo(x.dtype).max
    if h is not None:
        h = positive(owner, "h", h)
        return [-h if xi > largest - h else h for xi in x.flatten().tolist()]
    step = torch.finfo(x.dtype).eps ** root * x.abs().clamp(min=1)
    moved = x + step.where(x <= largest - step, -step)
    return (moved - x).flatten().tolist()


def _quotients(x: Tensor, change: Function, steps: list[float]) -> Tensor:
    """Return change(h eᵢ) / h for every entry i of x, in the shape of x."""
    directions = torch.eye(x.numel(), dtype=x.dtype, device=x.device)
    slopes = [
        change(h * e.reshape(x.shape)).item() / h
        for h, e in zip(steps, directions, strict=True)
    ]
    return x.new_tensor(slopes).reshape(x.shape)


def _one_number(owner: str, value: Any) -> Tensor:
    value = torch.as_tensor(value)
    if value.shape != ():
        raise ValueError(
            f"{owner}: the function must give one number, shape (), "
            f"got shape {tuple(value.shape)}"
        )
    return value


__all__ = [
    "amax",
    "central_difference",
    "complex_step",
    "cos",
    "exp",
    "forward_difference",
    "grad",
    "grad_and_value",
    "hessian",
    "hvp",
    "jvp",
    "log",
    "relu",
    "reshape",
    "sin",
    "sqrt",
    "sum",
    "tanh",
    "transpose",
    "vjp",
]
