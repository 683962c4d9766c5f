"""How good the answers are, in numbers that people read."""

import math
from typing import Any

from handmade._array import Array, array_api_compat, array_namespace, require_shape
from handmade._numbers import real_number


def argmax(output: Array) -> Array:
    """The class with the largest output, (n, c) → (n,)."""
    return array_namespace("argmax", output=output).argmax(output, axis=-1)


def threshold(output: Array, at: float = 0.5) -> Array:
    """1 where the output is above `at`, else 0, as int64 in the same shape."""
    xp = array_namespace("threshold", output=output)
    return xp.astype(output > real_number("threshold", "at", at), xp.int64)


def accuracy(predicted: Array, target: Array) -> float:
    """The share of right answers, from 0 to 1.

    Args:
        predicted: class indices as integers, any shape.
        target: the true ones, in the same shape.

    Raises:
        TypeError: one of them holds no integers.
        ValueError: the shapes differ, or there is nothing to count.
    """
    xp = _class_indices("accuracy", predicted, target)
    count = math.prod(predicted.shape)
    if count == 0:
        raise ValueError("accuracy: there are no predictions to count")
    return int(xp.sum(xp.astype(predicted == target, xp.int64))) / count


def confusion_matrix(predicted: Array, target: Array, num_classes: int) -> Array:
    """How often each class (row) was taken for each class (column).

    Args:
        predicted: class indices (n,), integers.
        target: the true ones (n,).
        num_classes: c; every index must be below it.

    Returns:
        (c, c) int64 counts; right answers stand on the diagonal.

    Raises:
        TypeError: one of them holds no integers.
        ValueError: they are not one-dimensional and equally long, or an index is out
            of range.
    """
    xp = _class_indices("confusion_matrix", predicted, target)
    if predicted.ndim != 1:
        raise ValueError(
            f"confusion_matrix: predicted must have shape (n,), "
            f"got {tuple(predicted.shape)}"
        )
    predicted, target = xp.astype(predicted, xp.int64), xp.astype(target, xp.int64)
    for name, index in (("predicted", predicted), ("target", target)):
        if bool(xp.any((index < 0) | (index >= num_classes))):
            raise ValueError(
                f"confusion_matrix: every {name} must be in 0 … {num_classes - 1}"
            )
    cells = xp.sort(target * num_classes + predicted)
    device = array_api_compat.device(cells)
    borders = xp.arange(num_classes**2 + 1, dtype=xp.int64, device=device)
    below = xp.searchsorted(cells, borders)
    return xp.reshape(below[1:] - below[:-1], (num_classes, num_classes))


def _class_indices(owner: str, predicted: Array, target: Array) -> Any:
    """The namespace, once both are integers in one shape."""
    xp = array_namespace(owner, predicted=predicted, target=target)
    for name, index in (("predicted", predicted), ("target", target)):
        if not xp.isdtype(index.dtype, "integral"):
            raise TypeError(
                f"{owner}: {name} must hold class indices as integers, "
                f"got {index.dtype}"
            )
    require_shape(owner, "target", target, predicted.shape)
    return xp


__all__ = ["accuracy", "argmax", "confusion_matrix", "threshold"]
