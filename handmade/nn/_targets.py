"""A class target as weights: what each log-probability counts in the loss."""

from typing import Any

from handmade._array import (
    Array,
    array_namespace,
    floating_namespace,
    placed,
    require_shape,
)
from handmade._tracing import any_true


def class_axis(owner: str, input: Array) -> int:
    """Where the classes stand: axis 1, or 0 for one example without a batch."""
    if input.ndim == 0:
        raise ValueError(f"{owner}: input must be (c,) or (n, c, …), got shape ()")
    return 1 if input.ndim > 1 else 0


def class_weights(owner: str, weight: Array | None, input: Array) -> Any:
    """The weight of each class in a shape that broadcasts to input, or 1."""
    if weight is None:
        return 1.0
    xp = floating_namespace(owner, input=input, weight=weight)
    axis = class_axis(owner, input)
    require_shape(owner, "weight", weight, (input.shape[axis],))
    return placed(xp, weight, axis, input.ndim)


def one_hot(
    owner: str, input: Array, target: Array, ignore_index: int | None = None
) -> Array:
    """1 at each target's class, else 0, shaped as input; rows to ignore are all 0."""
    xp = array_namespace(owner, input=input, target=target)
    axis = class_axis(owner, input)
    classes = input.shape[axis]
    if not xp.isdtype(target.dtype, "integral"):
        raise TypeError(
            f"{owner}: target must hold class indices as integers, got {target.dtype}"
        )
    shape = (*input.shape[:axis], *input.shape[axis + 1 :])
    require_shape(owner, "target", target, shape)
    target = xp.astype(target, xp.int64)  # uint8 would wrap from 256 classes on
    counted = xp.ones_like(target, dtype=xp.bool)
    if ignore_index is not None:
        counted = target != ignore_index
    wrong = counted & ((target < 0) | (target >= classes))
    if any_true(xp, wrong):
        named = ignore_index is not None and ignore_index >= 0
        raise ValueError(
            f"{owner}: every target must be a class index in 0 … {classes - 1}"
            f"{f' or {ignore_index}' if named else ''}, "
            f"got {int(xp.reshape(target, (-1,))[int(xp.argmax(flat_int(xp, wrong)))])}"
        )
    device = getattr(target, "device", None)
    index = xp.arange(classes, dtype=xp.int64, device=device)
    index = xp.reshape(index, (-1,) + (1,) * (input.ndim - axis - 1))
    hot = xp.expand_dims(target, axis=axis) == index
    return xp.astype(hot & xp.expand_dims(counted, axis=axis), input.dtype)


def flat_int(xp: Any, mask: Array) -> Array:
    return xp.reshape(xp.astype(mask, xp.int64), (-1,))


def expected(xp: Any, q: Array, values: Array, axis: int) -> Array:
    """Σ_c q[c] values[c]; a class with q = 0 counts 0 even at infinity."""
    counted = xp.where(q == 0, xp.zeros_like(values), values)
    return xp.sum(q * counted, axis=axis)


def along(q: Array, grad_losses: Any, axis: int) -> Any:
    """∂L/∂(each example's loss), ready to broadcast over the classes."""
    if not getattr(grad_losses, "ndim", 0):
        return grad_losses
    xp = array_namespace("grad_output", q=q, grad_output=grad_losses)
    return xp.expand_dims(grad_losses, axis=axis)
