"""Metrics: accuracy, confusion matrix, purity."""

import math
from typing import Any

from handmade._array import Array, array_namespace, device, require_shape
from handmade._numbers import real_number, whole


def argmax(output: Array) -> Array:
    """The class with the largest output, (n, c) → (n,)."""
    xp = _numeric("argmax", output)
    if output.ndim == 0 or output.shape[-1] == 0:
        raise ValueError(
            f"argmax: output must be (…, c) with at least one class, "
            f"got shape {tuple(output.shape)}"
        )
    return xp.argmax(output, axis=-1)


def threshold(output: Array, at: float = 0.5) -> Array:
    """1 where the output is above `at`, else 0, as int64 in the same shape."""
    xp = _numeric("threshold", output)
    return xp.astype(output > real_number("threshold", "at", at), xp.int64)


def accuracy(predicted: Array, target: Array) -> float:
    """The fraction of correct predictions.

    Args:
        predicted: class indices as integers, any shape.
        target: the true ones, in the same shape.

    Raises:
        TypeError: one of them holds no integers.
        ValueError: the shapes differ, or there is nothing to count.
    """
    xp = _class_indices("accuracy", predicted, target, "predicted")
    count = math.prod(predicted.shape)
    if count == 0:
        raise ValueError("accuracy: there are no predictions to count")
    return int(xp.sum(xp.astype(predicted == target, xp.int64))) / count


def confusion_matrix(predicted: Array, target: Array, num_classes: int) -> Array:
    """How often each class (row) was predicted as each class (column).

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
    xp = _class_indices("confusion_matrix", predicted, target, "predicted")
    num_classes = whole("confusion_matrix", "num_classes", num_classes, 1)
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
    borders = xp.arange(num_classes**2 + 1, dtype=xp.int64, device=device(cells))
    below = xp.searchsorted(cells, borders)
    return xp.reshape(below[1:] - below[:-1], (num_classes, num_classes))


def purity(clusters: Array, target: Array) -> float:
    """The fraction of examples whose class is the most frequent one of their cluster.

    Args:
        clusters: which cluster each example was put into, integers (n,) from 0.
        target: the true classes (n,), from 0.

    Raises:
        TypeError: one of them holds no integers.
        ValueError: they are not one-dimensional and equally long, an index is below 0,
            or there is nothing to count.
    """
    xp = _class_indices("purity", clusters, target, "clusters")
    if clusters.ndim != 1 or clusters.shape[0] == 0:
        raise ValueError(
            f"purity: clusters must have shape (n,) with n at least 1, "
            f"got {tuple(clusters.shape)}"
        )
    for name, index in (("clusters", clusters), ("target", target)):
        if bool(xp.any(index < 0)):
            raise ValueError(
                f"purity: every {name} must be at least 0, got {int(xp.min(index))}"
            )
    size = 1 + max(int(xp.max(clusters)), int(xp.max(target)))
    counts = confusion_matrix(clusters, target, size)
    return int(xp.sum(xp.max(counts, axis=0))) / clusters.shape[0]


def _numeric(owner: str, output: Array) -> Any:
    """The namespace, once the output holds real numbers."""
    xp = array_namespace(owner, output=output)
    if not xp.isdtype(output.dtype, ("real floating", "integral", "bool")):
        raise TypeError(f"{owner}: output must hold real numbers, got {output.dtype}")
    return xp


def _class_indices(owner: str, given: Array, target: Array, name: str) -> Any:
    """The namespace, once both are integers in one shape."""
    indices = {name: given, "target": target}
    xp = array_namespace(owner, **indices)
    for label, index in indices.items():
        if not xp.isdtype(index.dtype, "integral"):
            raise TypeError(
                f"{owner}: {label} must hold class indices as integers, "
                f"got {index.dtype}"
            )
    require_shape(owner, "target", target, given.shape)
    return xp


__all__ = ["accuracy", "argmax", "confusion_matrix", "purity", "threshold"]
