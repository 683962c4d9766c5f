"""The way back from sliding windows as one sum, for a compiler."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from handmade._array import Array, array_api_compat

Sizes = tuple[int, ...]
"""One number for each spatial dimension."""


def overlap_sum(
    xp: Any,
    parts: Sequence[Array],
    axis: int,
    starts: Iterable[Sizes],
    stride: Sizes,
    sizes: Sizes,
) -> Array:
    """The sum of all parts, each spread over an array of the input's sizes.

    A compiler makes one loop of it.

    Args:
        xp: the library of the parts.
        parts: arrays (…, *counts, …).
        axis: the first of their spatial dimensions.
        starts: where the first number of each part belongs, maybe outside.
        stride: how far apart the numbers of a part belong.
        sizes: of the whole; what lies outside is dropped.
    """
    return sum(
        _spread(xp, part, axis, start, stride, sizes)
        for start, part in zip(starts, parts, strict=True)
    )


def starts_of_parts(kernel: Sizes, dilation: Sizes, padding: Sizes) -> Iterable[Sizes]:
    """Where in the input each part starts: k d − p for each place k of the kernel."""
    for place in product(*map(range, kernel)):
        by_dimension = zip(place, dilation, padding, strict=True)
        yield tuple(k * d - p for k, d, p in by_dimension)


def _spread(
    xp: Any, part: Array, axis: int, start: Sizes, stride: Sizes, sizes: Sizes
) -> Array:
    """The numbers of a part where they belong, and 0 elsewhere."""
    for i, numbers in enumerate(zip(start, stride, sizes, strict=True), start=axis):
        first, step, size = numbers
        part = _cut(xp, _with_gaps(xp, part, i, step), i, first, size)
    return part


def _with_gaps(xp: Any, x: Array, axis: int, step: int) -> Array:
    """X with step − 1 zeros behind each number along one dimension."""
    if step == 1:
        return x
    zeros = [xp.zeros_like(x)] * (step - 1)
    shape = (*x.shape[:axis], x.shape[axis] * step, *x.shape[axis + 1 :])
    return xp.reshape(xp.stack([x, *zeros], axis=axis + 1), shape)


def _cut(xp: Any, x: Array, axis: int, first: int, size: int) -> Array:
    """X moved by `first` along one dimension, cut or filled with 0 to `size`."""
    low = min(max(0, -first), x.shape[axis])
    high = max(low, min(x.shape[axis], size - first))
    before = max(0, min(first, size))
    behind = size - before - (high - low)
    inner = x[(*[slice(None)] * axis, slice(low, high), ...)]
    front, back = (_zeros(xp, x, axis, n) for n in (before, behind))
    return xp.concat([front, inner, back], axis=axis)


def _zeros(xp: Any, x: Array, axis: int, width: int) -> Array:
    shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
    return xp.zeros(shape, dtype=x.dtype, device=array_api_compat.device(x))
