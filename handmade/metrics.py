"""How good the answers are, in numbers that people read."""

import math

from handmade._array import Array, array_namespace, require_shape


def argmax(output: Array) -> Array:
    """The class with the largest output, (n, c) → (n,)."""
    return array_namespace("argmax", output=output).argmax(output, axis=-1)


def threshold(output: Array, at: float = 0.5) -> Array:
    """1 where the output is above `at`, else 0, as int64 in the same shape."""
    xp = array_namespace("threshold", output=output)
    return xp.astype(output > at, xp.int64)


def accuracy(predicted: Array, target: Array) -> float:
    """The share of right answers, from 0 to 1.

    Args:
        predicted: class indices, any shape.
        target: the true ones, in the same shape.

    Raises:
        ValueError: the shapes differ, or there is nothing to count.
    """
    xp = array_namespace("accuracy", predicted=predicted, target=target)
    require_shape("accuracy", "target", target, predicted.shape)
    count = math.prod(predicted.shape)
    if count == 0:
        raise ValueError("accuracy: there are no predictions to count")
    return int(xp.sum(xp.astype(predicted == target, xp.int64))) / count


def confusion_matrix(predicted: Array, target: Array, num_classes: int) -> Array:
    """How often each class (row) was taken for each class (column).

    Args:
        predicted: class indices (n,).
        target: the true ones (n,).
        num_classes: c; every index must be below it.

    Returns:
        (c, c) int64 counts; right answers stand on the diagonal.

    Raises:
        ValueError: the shapes differ, or an index is out of range.
    """
    xp = array_namespace("confusion_matrix", predicted=predicted, target=target)
    require_shape("confusion_matrix", "target", target, predicted.shape)
    for name, index in (("predicted", predicted), ("target", target)):
        if bool(xp.any((index < 0) | (index >= num_classes))):
            raise ValueError(
                f"confusion_matrix: every {name} must be in 0 … {num_classes - 1}"
            )
    cell = xp.astype(target, xp.int64) * num_classes + xp.astype(predicted, xp.int64)
    device = getattr(cell, "device", None)
    cells = xp.arange(num_classes * num_classes, dtype=xp.int64, device=device)
    hits = xp.expand_dims(cell, axis=1) == cells
    counts = xp.sum(xp.astype(hits, xp.int64), axis=0)
    return xp.reshape(counts, (num_classes, num_classes))


__all__ = ["accuracy", "argmax", "confusion_matrix", "threshold"]
