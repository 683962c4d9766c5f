"""Sliding windows: im2col takes them apart, col2im is its adjoint.

With stride s, dilation d and padding p, the window at t covers x[s·t + d·k − p] for
each position k of the kernel; t, k, s, d, p have one number for each spatial dimension.
What lies at position k, over all t, is one strided slice of the padded x: a *column*.
There are as many as the kernel has positions, in row-major order.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

from handmade._array import Array, Owner, index_add, name_of, pad, zeros

Sizes = tuple[int, ...]
"""One number for each spatial dimension."""
Plan = tuple[list[Sizes], list[tuple[Any, ...]]]


class Windows(NamedTuple):
    """How a kernel slides over its input."""

    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    ceil_mode: bool = False
    """Whether a last window may hang over the far end."""


def im2col(
    owner: Owner, x: Array, windows: Windows, axis: int, fill: float = 0
) -> list[Array]:
    """Column k [t] = x[s·t + d·k − p], or `fill` outside of x.

    Args:
        owner: who asks, for the error message.
        x: (…, *sizes, …).
        windows: how the kernel slides.
        axis: the first spatial dimension.
        fill: what the padding holds.

    Returns:
        One array (…, *counts, …) for each position of the kernel.

    Raises:
        ValueError: there are no windows.
    """
    sizes = tuple(x.shape[axis : axis + len(windows.kernel)])
    ends, positions = _plan(name_of(owner), windows, axis, sizes)
    x = pad(x, axis, ends, fill)
    return [x[at] for at in positions]


def col2im(
    columns: Sequence[Array],
    windows: Windows,
    axis: int,
    sizes: Sizes,
    like: Array | None = None,
) -> Array:
    """The sum x[s·t + d·k − p] += column k [t]; what falls on padding is dropped.

    Args:
        columns: one (…, *counts, …) for each position of the kernel.
        windows: how the kernel slides.
        axis: the first spatial dimension.
        sizes: of x.
        like: that x; its layout in memory is kept where there is no padding.
    """
    ends, positions = _plan("col2im", windows, axis, sizes)
    shape, inner = list(columns[0].shape), [slice(None)] * axis
    for i, (before, after) in enumerate(ends):
        shape[axis + i] = before + sizes[i] + after
        inner.append(slice(before, before + sizes[i]))
    x = zeros(tuple(shape), columns[0] if like is None else like)
    for at, column in zip(positions, columns, strict=True):
        x = index_add(x, at, column)
    return x[(*inner, ...)]


@lru_cache(maxsize=1000)
def _plan(owner: str, windows: Windows, axis: int, sizes: Sizes) -> Plan:
    """The padding before and after x in each dimension, and where the columns lie."""
    each = zip(sizes, *windows[:4], strict=True)
    counts = [_count(*numbers, windows.ceil_mode) for numbers in each]
    if min(counts) < 1:
        raise ValueError(
            f"{owner}: no window of kernel_size {windows.kernel} and dilation "
            f"{windows.dilation} fits into an input of size {sizes} with padding "
            f"{windows.padding}; the output would be empty"
        )
    ends = [
        (p, max(0, (count - 1) * s + d * (k - 1) + 1 - p - size))
        for size, count, k, s, p, d in zip(sizes, counts, *windows[:4], strict=True)
    ]
    positions: list[Any] = []
    for position in product(*map(range, windows.kernel)):
        each = zip(position, counts, windows.stride, windows.dilation, strict=True)
        along = [slice(k * d, k * d + (c - 1) * s + 1, s) for k, c, s, d in each]
        positions.append((*[slice(None)] * axis, *along, ...))
    return ends, positions


def _count(size: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    """How many windows there are: ⌊(size + 2p − d (k − 1) − 1) / s⌋ + 1.

    With `ceil_mode` rounded up, if the last window then starts within the input or the
    padding before it.
    """
    count = (size + 2 * p - d * (k - 1) - 1 + ceil_mode * (s - 1)) // s + 1
    return count - (ceil_mode and (count - 1) * s >= size + p)
