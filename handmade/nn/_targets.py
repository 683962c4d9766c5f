"""Scores with the classes in front, and a class target as the weights of each."""

import math
from typing import Any

import numpy as np

from handmade._array import (
    Array,
    NumPyArray,
    array_namespace,
    counted_to,
    floating_namespace,
    how_many,
    is_integral,
    known,
    placed,
    require_shape,
    summed,
)

FEW_CLASSES = 32
"""Up to here NumPy is quicker on a copy with the classes in front: along short rows it
starts a loop for each."""


def classes_first(owner: str, input: Array) -> Array:
    """Scores (n, c, …) as (c, n, …), so that a number an example, (n, …), broadcasts.

    One example without a batch, (c,), stays as it is.
    """
    if input.ndim == 0 or input.shape[:2][-1] == 0:
        raise ValueError(
            f"{owner}: input must be (c,) or (n, c, …) with at least one class, "
            f"got shape {tuple(input.shape)}"
        )
    scores = swapped(input)
    if isinstance(scores, NumPyArray) and scores.shape[0] <= FEW_CLASSES:
        return np.ascontiguousarray(scores)
    return scores


def swapped(a: Array) -> Array:
    """(n, c, …) as (c, n, …), and the other way round; (c,) as it is."""
    if a.ndim <= 2:
        return a.T if a.ndim == 2 else a
    return array_namespace("swapped", array=a).moveaxis(a, 1, 0)


def class_weights(owner: str, weight: Array | None, scores: Array) -> Any:
    """The weight of each class in a shape that broadcasts to (c, n, …), or 1."""
    if weight is None:
        return 1.0
    floating_namespace(owner, input=scores, weight=weight)
    require_shape(owner, "weight", weight, scores.shape[:1])
    return placed(weight, 0, scores.ndim)


def one_hot(
    owner: str, scores: Array, target: Array, ignore_index: int | None = None
) -> Array:
    """1 at each target's class, else 0, shaped as the scores; all 0 where ignored.

    Raises:
        TypeError: the target is no array of integers.
        ValueError: as `right_classes`.
    """
    xp = array_namespace(owner, input=scores, target=target)
    require_integers(owner, target)
    right, _ = right_classes(owner, xp, scores, target, ignore_index)
    return xp.astype(right, scores.dtype)


def require_integers(owner: str, target: Array) -> None:
    """Refuse a target that holds no class indices.

    Raises:
        TypeError: its dtype is no integer's.
    """
    if not is_integral(target):
        raise TypeError(
            f"{owner}: target must hold class indices as integers, got {target.dtype}"
        )


def right_classes(
    owner: str, xp: Any, scores: Array, target: Array, ignore_index: int | None
) -> tuple[Array, bool]:
    """Whether a class is its example's target; and whether every example has one.

    That is False also while compiling, when nobody knows.

    Args:
        owner: who asks, for the error message.
        xp: the library of scores and target.
        scores: (c, n, …).
        target: (n, …) integers, the class indices.
        ignore_index: the target of the examples that have none.

    Raises:
        ValueError: its shape does not fit, or it names a class that there is not.
    """
    classes, examples = scores.shape[0], scores.shape[1:]
    require_shape(owner, "target", target, examples)
    if target.dtype != xp.int64:
        target = xp.astype(target, xp.int64)  # uint8 would wrap from 256 classes on
    right = counted_to(classes, target)[(..., *(None,) * target.ndim)] == target
    every = known(how_many(right) == math.prod(examples))
    if not every:
        _require_classes(owner, xp, target, classes, ignore_index)
    if ignore_index is not None and 0 <= ignore_index < classes:
        return right & (target != ignore_index), False
    return right, every


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


def expected(xp: Any, q: Array, values: Array) -> Array:
    """Σ_c q[c] values[c]; a class with q = 0, or False, counts 0 even at infinity."""
    if q.dtype == xp.bool:
        return summed(xp.where(q, values, 0.0), axis=0)
    return summed(q * xp.where(q == 0, 0.0, values), axis=0)
