"""A class target as weights: what each log-probability counts in the loss."""

import math
from typing import Any

from handmade._array import (
    Array,
    array_namespace,
    floating_namespace,
    how_many,
    is_integral,
    known,
    placed,
    require_shape,
    summed,
)


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
    return counted_one_hot(owner, xp, input, target, axis, ignore_index)[0]


def counted_one_hot(
    owner: str,
    xp: Any,
    input: Array,
    target: Array,
    axis: int,
    ignore_index: int | None,
) -> tuple[Array, bool]:
    """`one_hot`, and whether every row is known to have its 1: there is none to ignore.

    Raises:
        TypeError: the target is no array of integers.
        ValueError: its shape does not fit, or it names a class that there is not.
    """
    classes = input.shape[axis]
    if not is_integral(target):
        raise TypeError(
            f"{owner}: target must hold class indices as integers, got {target.dtype}"
        )
    shape = (*input.shape[:axis], *input.shape[axis + 1 :])
    require_shape(owner, "target", target, shape)
    if target.dtype != xp.int64:
        target = xp.astype(target, xp.int64)  # uint8 would wrap from 256 classes on
    index = xp.arange(classes, device=getattr(target, "device", None))
    if input.ndim > axis + 1:
        index = xp.reshape(index, (-1,) + (1,) * (input.ndim - axis - 1))
    hot = _beside(target, axis) == index
    every = known(how_many(hot) == math.prod(shape))
    if not every:
        _require_classes(owner, xp, target, classes, ignore_index)
    if ignore_index is not None and 0 <= ignore_index < classes:
        hot, every = hot & _beside(target != ignore_index, axis), False
    return xp.astype(hot, input.dtype), every


def _require_classes(
    owner: str, xp: Any, target: Array, classes: int, ignore_index: int | None
) -> None:
    """Refuse targets that are neither a class nor to be ignored."""
    wrong = (target < 0) | (target >= classes)
    if ignore_index is not None:
        wrong = wrong & (target != ignore_index)
    if not known(xp.any(wrong)):
        return
    first = int(xp.argmax(xp.reshape(xp.astype(wrong, xp.int64), (-1,))))
    named = ignore_index is not None and ignore_index >= 0
    raise ValueError(
        f"{owner}: every target must be a class index in 0 … {classes - 1}"
        f"{f' or {ignore_index}' if named else ''}, "
        f"got {int(xp.reshape(target, (-1,))[first])}"
    )


def _beside(a: Array, axis: int) -> Array:
    """`a` with a dimension of size 1 where the classes stand."""
    return a[:, None, ...] if axis else a[None, ...]


def expected(xp: Any, q: Array, values: Array, axis: int) -> Array:
    """Σ_c q[c] values[c]; a class with q = 0 counts 0 even at infinity."""
    counted = xp.where(q == 0, 0.0, values)
    return summed(q * counted, axis=axis)


def along(q: Array, grad_losses: Any, axis: int) -> Any:
    """∂L/∂(each example's loss), ready to broadcast over the classes."""
    if not getattr(grad_losses, "ndim", 0):
        return grad_losses
    array_namespace("grad_output", q=q, grad_output=grad_losses)
    return _beside(grad_losses, axis)
