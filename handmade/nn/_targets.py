"""Class indices as targets: checks and one-hot encoding."""

import math

import numpy as np

from handmade._array import (
    Array,
    NumPyArray,
    Owner,
    array_namespace,
    check,
    device,
    holds,
    is_integral,
    name_of,
    require_shape,
)

FEW_CLASSES = 32
"""Up to here NumPy is quicker on a copy with the classes in front: along short rows it
starts a loop for each."""


def classes_first(owner: Owner, input: Array) -> Array:
    """Scores (n, c, …) as (c, n, …), so that a number an example, (n, …), broadcasts.

    One example without a batch, (c,), stays as it is.
    """
    if input.ndim == 0 or input.shape[:2][-1] == 0:
        raise ValueError(
            f"{name_of(owner)}: input must be (c,) or (n, c, …) with at least one "
            f"class, got shape {tuple(input.shape)}"
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


def class_weights(owner: Owner, weight: Array | None, scores: Array) -> Array:
    """The weight of each class, or 1, in a shape that broadcasts to (c, n, …)."""
    if weight is None:
        return check(owner, input=scores).ones_like(scores[:1, ...])
    check(owner, input=scores, weight=weight)
    require_shape(owner, "weight", weight, scores.shape[:1])
    return weight[(..., *(None,) * (scores.ndim - 1))]


def one_hot(
    owner: Owner, scores: Array, target: Array, ignore_index: int | None = None
) -> tuple[Array, bool]:
    """[c = yₙ] for each class c and example n; and whether each example has a class.

    Args:
        owner: whose arguments they are, for the error message.
        scores: (c, n, …).
        target: (n, …) integers, the class indices yₙ.
        ignore_index: the target of the examples that have none.

    Raises:
        TypeError: the target is no array of integers.
        ValueError: its shape does not fit, or it names a class that there is not.
    """
    xp = array_namespace(owner, input=scores, target=target)
    if not is_integral(target):
        raise TypeError(
            f"{name_of(owner)}: target must hold class indices as integers, "
            f"got {target.dtype}"
        )
    classes, examples = scores.shape[0], scores.shape[1:]
    require_shape(owner, "target", target, examples)
    if target.dtype != xp.int64:
        target = xp.astype(target, xp.int64)  # uint8 would wrap from 256 classes on
    index = xp.arange(classes, dtype=xp.int64, device=device(target))
    hot = index[(..., *(None,) * target.ndim)] == target
    each_has_one = holds(xp.count_nonzero(hot) == math.prod(examples))
    if not each_has_one:
        words = "target must be a class index"
        require_indices(owner, words, target, classes, ignore_index)
    if ignore_index is not None and 0 <= ignore_index < classes:
        return hot & (target != ignore_index), False
    return hot, each_has_one


def require_indices(
    owner: Owner, what: str, index: Array, count: int, ignore_index: int | None = None
) -> None:
    """Refuse integers that are neither in 0 … count − 1 nor to be ignored.

    Raises:
        ValueError: there is one; the first is named.
    """
    xp = array_namespace(owner, index=index)
    wrong = (index < 0) | (index >= count)
    if ignore_index is not None:
        wrong = wrong & (index != ignore_index)
    if holds(xp.any(wrong)):
        first = int(xp.argmax(xp.reshape(xp.astype(wrong, xp.int64), (-1,))))
        ignored = f" or {ignore_index}" if (ignore_index or 0) > 0 else ""
        raise ValueError(
            f"{name_of(owner)}: every {what} in 0 … {count - 1}{ignored}, "
            f"got {int(xp.reshape(index, (-1,))[first])}"
        )
