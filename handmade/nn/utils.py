"""Gradient clipping."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from handmade._array import Array, check
from handmade._numbers import at_least, flag, real_number
from handmade.nn.module import Parameter, parameters_of


def clip_grad_norm_(
    parameters: Parameter | Iterable[Parameter],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Array:
    """Scale all gradients together so that their norm is at most `max_norm`.

    Forward:
        ν = ‖(‖g₁‖, ‖g₂‖, …)‖, the norm of all gradients as one vector
        gᵢ ← gᵢ · min(1, max_norm / (ν + 10⁻⁶))

    Args:
        parameters: one or several; those without a gradient do not count.
        max_norm: at least 0.
        norm_type: which norm: 2, 1, inf or any other order.
        error_if_nonfinite: whether an infinite or NaN ν is an error; without it such
            a ν makes the gradients 0 or NaN.

    Returns:
        ν before clipping, as an array of dimension 0; NumPy's 0 without any gradient.

    Raises:
        TypeError: something else than Parameters is given, or their gradients differ in
            library or dtype.
        ValueError: `max_norm` is negative, or a number is NaN.
        RuntimeError: ν is not finite, and that is an error.

    Torch:
        `torch.nn.utils.clip_grad_norm_`, which writes into the gradients; here each
        parameter gets a new one.
    """
    owner = "clip_grad_norm_"
    reached = _reached(owner, parameters)
    strict = flag(owner, "error_if_nonfinite", error_if_nonfinite)
    max_norm = at_least(owner, "max_norm", max_norm, 0)
    order = real_number(owner, "norm_type", norm_type)
    if math.isnan(order):
        raise ValueError(f"{owner}: norm_type must be a number, got nan")
    if not reached:
        return np.zeros((), np.float32)
    with np.errstate(all="ignore"):
        norm = _norm([p.grad for p in reached], order)
        if strict and not math.isfinite(norm):
            raise RuntimeError(
                f"{owner}: the norm of order {order:g} of all gradients is "
                f"{float(norm)}"
            )
        xp = check(owner, norm=norm)
        factor = xp.minimum(max_norm / (norm + 1e-6), xp.ones_like(norm))
        for parameter in reached:
            parameter.grad = factor * parameter.grad
    return norm


def clip_grad_value_(
    parameters: Parameter | Iterable[Parameter], clip_value: float
) -> None:
    """Clip each entry of each gradient to [−clip_value, clip_value].

    Args:
        parameters: one or several; those without a gradient do not count.
        clip_value: at least 0.

    Raises:
        TypeError: something else than Parameters is given, or their gradients differ in
            library or dtype.
        ValueError: `clip_value` is negative or NaN.

    Torch:
        `torch.nn.utils.clip_grad_value_`, which writes into the gradients; here each
        parameter gets a new one.
    """
    owner = "clip_grad_value_"
    limit = at_least(owner, "clip_value", clip_value, 0)
    for parameter in _reached(owner, parameters):
        xp = check(owner, grad=parameter.grad)
        parameter.grad = xp.clip(parameter.grad, -limit, limit)


def _reached(owner: str, parameters: Any) -> list[Parameter]:
    """The parameters that have a gradient, their gradients of one kind."""
    reached = [p for p in parameters_of(owner, parameters) if p.grad is not None]
    for parameter in reached:
        check(owner, first=reached[0].grad, grad=parameter.grad)
    return reached


def _norm(grads: list[Array], order: float) -> Array:
    """The norm of all gradients as one vector: the norm of their norms."""
    xp = check("clip_grad_norm_", grad=grads[0])
    norms = [xp.linalg.vector_norm(grad, ord=order) for grad in grads]
    # NumPy's functions answer with a number that is no array.
    return xp.asarray(xp.linalg.vector_norm(xp.stack(norms), ord=order))


__all__ = ["clip_grad_norm_", "clip_grad_value_"]
