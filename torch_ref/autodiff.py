"""The same ways to differentiate in PyTorch: torch.func, and differences."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, cos, exp, log, reshape, sin, sqrt, sum, tanh, transpose
from torch.func import grad, grad_and_value, jvp, vjp

from handmade._numbers import positive

Function = Callable[[Tensor], Any]


def forward_difference(func: Function, x: Tensor, h: float | None = None) -> Tensor:
    """(f(x + h eᵢ) − f(x)) / h, with h = √ε unless given."""
    default = torch.finfo(x.dtype).eps ** (1 / 2)
    step = positive("forward_difference", "h", default if h is None else h)
    here = func(x)
    return _by_entry(x, lambda e: (func(x + step * e) - here) / step)


def central_difference(func: Function, x: Tensor, h: float | None = None) -> Tensor:
    """(f(x + h eᵢ) − f(x − h eᵢ)) / 2h, with h = ∛ε unless given."""
    default = torch.finfo(x.dtype).eps ** (1 / 3)
    step = positive("central_difference", "h", default if h is None else h)
    return _by_entry(
        x, lambda e: (func(x + step * e) - func(x - step * e)) / (2 * step)
    )


def complex_step(func: Function, x: Tensor, h: float = 1e-20) -> Tensor:
    """Im f(x + ih eᵢ) / h, for an f that is analytic."""
    return _by_entry(x, lambda e: func(torch.complex(x, h * e)).imag / h)


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


def _by_entry(x: Tensor, slope: Function) -> Tensor:
    """The gradient, one direction eᵢ after the other."""
    directions = torch.eye(x.numel(), dtype=x.dtype, device=x.device)
    return torch.stack([slope(e.reshape(x.shape)) for e in directions]).reshape(x.shape)


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
