"""The same ways to differentiate in PyTorch: torch.func, and differences."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, cos, exp, log, reshape, sin, sqrt, sum, tanh, transpose
from torch.func import grad, grad_and_value, jvp, vjp

from handmade._numbers import positive
from handmade.autodiff.differences import AWAY

Function = Callable[[Tensor], Any]


def forward_difference(func: Function, x: Tensor, h: float | None = None) -> Tensor:
    """(f(x + h eᵢ) − f(x)) / h, with h = √ε max(1, |xᵢ|) unless given."""
    owner = "forward_difference"
    steps = _steps(owner, x, h, 1 / 2)
    here = _one_number(owner, func(x))
    return _by_entry(x, lambda e: _one_number(owner, func(x + e)) - here, steps)


def central_difference(func: Function, x: Tensor, h: float | None = None) -> Tensor:
    """(f(x + h eᵢ) − f(x − h eᵢ)) / 2h, with h = ∛ε max(1, |xᵢ|) unless given."""
    owner = "central_difference"

    def change(e: Tensor) -> Tensor:
        return _one_number(owner, func(x + e)) - _one_number(owner, func(x - e))

    return _by_entry(x, change, _steps(owner, x, h, 1 / 3)) / 2


def complex_step(func: Function, x: Tensor, h: float = 1e-20) -> Tensor:
    """Im f(x + ih eᵢ) / h, for an f that is analytic; 0 where f is a real constant."""
    owner = "complex_step"
    steps = x.numel() * [positive(owner, "h", h)]

    def imaginary(e: Tensor) -> Tensor:
        value = _one_number(owner, func(torch.complex(x, e)))
        if value.is_complex():
            return value.imag
        far = torch.complex(x + AWAY * (1 + x.abs()), torch.zeros_like(x))
        if value == _one_number(owner, func(far)):
            return torch.zeros_like(value)
        raise TypeError(f"{owner}: something in the function drops the imaginary part")

    return _by_entry(x, imaginary, steps)


def relu(x: Tensor) -> Tensor:
    """max(0, x); of a complex number the real part decides."""
    return x * (x.real > 0) if x.is_complex() else torch.relu(x)


def amax(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The largest number; of complex numbers the one whose real part is largest."""
    dim = () if dim is None else dim
    if not x.is_complex():
        return torch.amax(x, dim, keepdim)
    largest = x.real == torch.amax(x.real, dim, keepdim=True)
    return (x * largest).sum(dim, keepdim) / largest.sum(dim, keepdim)


def _steps(owner: str, x: Tensor, h: float | None, root: float) -> list[float]:
    """The step in each entry; unless given, such that x + h is exact.

    Near the largest number it is negative, so that x + h stays in the range.
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


def _by_entry(x: Tensor, change: Function, steps: list[float]) -> Tensor:
    """The gradient: what changes when one entry moves, over how far it moves."""
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
