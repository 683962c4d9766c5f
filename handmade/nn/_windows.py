"""Sliding windows: a kernel laid on place after place of an input, and the way back.

A window is as large as the kernel; the numbers of all windows that lie under the same
place of the kernel are one strided slice of the padded input, a *part*. There are as
many parts as the kernel has places, in row-major order, each as large as the output.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from numbers import Integral
from typing import Any

from handmade._array import (
    Array,
    added_at,
    array_api_compat,
    is_compiling,
    writing_copies,
)
from handmade.nn._overlap import overlap_sum, starts_of_parts

MOST_KEPT = 1000
"""So many vectors of numbers are kept, and so many lists of slices."""
_VECTORS: dict[Any, Array] = {}
_RECORDED: dict[Any, Array] = {}
"""The vectors that recorded steps read: they must lie where they lay, for good."""
Sizes = tuple[int, ...]
"""One number for each spatial dimension."""
Index = tuple[Any, ...]
"""What an array is indexed by: slices, and an ellipsis."""


@dataclass(frozen=True)
class Windows:
    """How a kernel slides over its input.

    Args:
        kernel: the kernel's size.
        stride: from one window to the next.
        padding: how many places are added at either end of the input.
        dilation: from one place of the kernel to the next, in the input.
        ceil_mode: whether a last window may hang over the far end.
    """

    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    ceil_mode: bool = False

    @property
    def places(self) -> int:
        """How many places the kernel has."""
        return prod(self.kernel)

    @property
    def span(self) -> Sizes:
        """How much of the input a window covers, gaps included."""
        both = zip(self.kernel, self.dilation, strict=True)
        return tuple(d * (k - 1) + 1 for k, d in both)

    def counts(self, owner: str, sizes: Sizes) -> Sizes:
        """How many windows there are on an input of these sizes.

        With `ceil_mode` also one that hangs over the far end, if it starts within the
        input or the padding before it.

        Raises:
            ValueError: there are none.
        """
        by_dimension = zip(sizes, self.span, self.stride, self.padding, strict=True)
        found = tuple(self._count(*numbers) for numbers in by_dimension)
        if min(found) < 1:
            raise ValueError(
                f"{owner}: no window of size {self.span} fits into an input of size "
                f"{sizes} with padding {self.padding}; the output would be empty"
            )
        return found

    def _count(self, size: int, span: int, stride: int, padding: int) -> int:
        room = size + 2 * padding - span
        if not self.ceil_mode:
            return room // stride + 1
        count = -(-room // stride) + 1
        starts_beyond = (count - 1) * stride >= size + padding
        return count - 1 if starts_beyond else count

    def parts(
        self, xp: Any, x: Array, axis: int, counts: Sizes, fill: float = 0
    ) -> list[Array]:
        """The windows of x (…, *sizes, …), taken apart: k arrays (…, *counts, …).

        Args:
            xp: the library of x.
            x: the input.
            axis: the first of its spatial dimensions.
            counts: of the windows.
            fill: what the padding holds.
        """
        behind = self._behind(counts, x.shape[axis : axis + len(counts)])
        padded = _padded(
            xp, x, axis, list(zip(self.padding, behind, strict=True)), fill
        )
        return [padded[at] for at in _slices(self, axis, counts)]

    def overlap_add(
        self,
        xp: Any,
        parts: Iterable[Array],
        axis: int,
        sizes: Sizes,
        like: Array | None = None,
    ) -> Array:
        """The adjoint of `parts`: each number goes back to where it was taken from.

        Where windows overlap, the sum of what they bring; what falls on the padding
        is dropped.

        Args:
            xp: the library of the parts.
            parts: k arrays (…, *counts, …).
            axis: the first of their spatial dimensions.
            sizes: of the x that was taken apart.
            like: that x; its layout in memory is kept where there is no padding.
        """
        parts = list(parts)
        if writing_copies():
            starts = starts_of_parts(self.kernel, self.dilation, self.padding)
            return overlap_sum(xp, parts, axis, starts, self.stride, sizes)
        shape, rest = tuple(parts[0].shape), axis + len(sizes)
        counts = shape[axis:rest]
        ends = zip(self.padding, sizes, self._behind(counts, sizes), strict=True)
        padded = (*shape[:axis], *map(sum, ends), *shape[rest:])
        whole = _zeros(xp, padded, parts[0] if like is None else like)
        for at, part in zip(_slices(self, axis, counts), parts, strict=True):
            whole = added_at(whole, at, part)
        inner = zip(self.padding, sizes, strict=True)
        return whole[_at(axis, (slice(p, p + size) for p, size in inner))]

    def _behind(self, counts: Sizes, sizes: Sizes) -> Sizes:
        """What must follow the input for the last window to lie within."""
        reach = zip(counts, self.stride, self.span, self.padding, sizes, strict=True)
        return tuple(max(0, (c - 1) * s + w - p - n) for c, s, w, p, n in reach)

    def first_inside(self, xp: Any, like: Array, counts: Sizes) -> Array:
        """The first of each window's places that is not padding, numbered as parts."""
        first: Any = 0
        for i, count in enumerate(counts):
            starts = self._starts(i, count)
            places = [self._skipped(i, start) for start in starts]
            row = _vector(xp, places, like, xp.int64)
            first = _column(xp, first) * self.kernel[i] + row
        return first

    def require_inside(self, owner: str, counts: Sizes, sizes: Sizes) -> None:
        """Refuse windows that lie wholly in the padding, or step over the input.

        Raises:
            ValueError: there is one.
        """
        for i, (count, size) in enumerate(zip(counts, sizes, strict=True)):
            gap = self.dilation[i]
            if any(
                at + self._skipped(i, at) * gap >= size for at in self._starts(i, count)
            ):
                raise ValueError(
                    f"{owner}: a window holds nothing but padding, of an input of size "
                    f"{sizes} with kernel_size {self.kernel}, padding {self.padding} "
                    f"and dilation {self.dilation}"
                )

    def held(
        self, xp: Any, like: Array, counts: Sizes, sizes: Sizes, padding_too: bool
    ) -> Array:
        """How many numbers each window holds: of the input, and of its padding too."""
        total: Any = 1
        for i, count in enumerate(counts):
            margin = self.padding[i] if padding_too else 0
            low, high, kernel = -margin, sizes[i] + margin, self.kernel[i]
            starts = self._starts(i, count)
            lengths = [min(at + kernel, high) - max(at, low) for at in starts]
            total = _column(xp, total) * _vector(xp, lengths, like, like.dtype)
        return total

    def _skipped(self, i: int, start: int) -> int:
        """How many places of a window lie before the input."""
        return max(0, -(start // self.dilation[i]))

    def _starts(self, i: int, count: int) -> list[int]:
        """Where the windows start along spatial dimension i of the input."""
        return [n * self.stride[i] - self.padding[i] for n in range(count)]


@lru_cache(maxsize=MOST_KEPT)
def _slices(windows: Windows, axis: int, counts: Sizes) -> list[Index]:
    """Where the parts lie in the padded input, in row-major order."""
    found: list[Index] = []
    for place in product(*map(range, windows.kernel)):
        by_dimension = zip(place, windows.dilation, counts, windows.stride, strict=True)
        along = (
            slice(k * d, k * d + (c - 1) * s + 1, s) for k, d, c, s in by_dimension
        )
        found.append(_at(axis, along))
    return found


def _at(axis: int, slices: Iterable[slice]) -> Index:
    """The index of `slices` along the dimensions from `axis` on."""
    return (*[slice(None)] * axis, *slices, ...)


def _zeros(xp: Any, shape: Sizes, like: Array) -> Array:
    if tuple(like.shape) == shape:
        return xp.zeros_like(like)
    return xp.zeros(shape, dtype=like.dtype, device=array_api_compat.device(like))


def _padded(
    xp: Any, x: Array, axis: int, ends: list[tuple[int, int]], fill: float
) -> Array:
    """X with so many places before and behind each dimension from `axis` on."""
    for dimension, widths in enumerate(ends, start=axis):
        if any(widths):
            before, behind = (_block(xp, x, dimension, n, fill) for n in widths)
            x = xp.concat([before, x, behind], axis=dimension)
    return x


def _block(xp: Any, x: Array, axis: int, width: int, fill: float) -> Array:
    shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
    return xp.full(shape, fill, dtype=x.dtype, device=array_api_compat.device(x))


def _vector(xp: Any, numbers: list[int], like: Array, dtype: Any) -> Array:
    """The numbers where `like` lies; kept, for a recorded step cannot bring them."""
    device = array_api_compat.device(like)
    key = xp.__name__, tuple(numbers), dtype, str(device)
    vector = _RECORDED.get(key, _VECTORS.get(key))
    if vector is None:
        vector = xp.asarray(numbers, dtype=dtype, device=device)
        if is_compiling():  # what is made there is a stand-in
            return vector
        if len(_VECTORS) >= MOST_KEPT:
            _VECTORS.clear()
        _VECTORS[key] = vector
    if is_compiling():
        _RECORDED[key] = vector
    return vector


def _column(xp: Any, numbers: Any) -> Any:
    """An array with a last dimension of 1 to it; a Python number as it is."""
    return numbers if isinstance(numbers, int) else xp.expand_dims(numbers, axis=-1)


def whole_numbers(owner: str, name: str, value: Any, d: int, low: int) -> Sizes:
    """`value` as d whole numbers: one for all dimensions, or one for each.

    Raises:
        TypeError: it is neither.
        ValueError: one of them is below `low`.
    """
    several = isinstance(value, (list, tuple))
    given: tuple[Any, ...] = tuple(value) if several else (value,) * d  # pyright: ignore
    if len(given) != d or not all(map(_is_whole, given)):
        raise TypeError(
            f"{owner}: {name} must be a whole number"
            f"{f' or {d} of them' if d > 1 else ''}, got {value!r}"
        )
    if min(given) < low:
        raise ValueError(f"{owner}: {name} must be at least {low}, got {value!r}")
    return tuple(int(number) for number in given)


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def require_input(owner: str, x: Array, d: int, channels: int | None = None) -> None:
    """Refuse x unless it is (n, c, *sizes) or (c, *sizes), with something in it.

    Raises:
        ValueError: x has another number of dimensions or of channels, or a dimension
            other than that of the examples is empty.
    """
    letters = ", ".join(("c", "length") if d == 1 else ("c", "height", "width"))
    if x.ndim not in (d + 1, d + 2):
        raise ValueError(
            f"{owner}: x must be (n, {letters}) or ({letters}), got shape "
            f"{tuple(x.shape)}"
        )
    found = tuple(x.shape[x.ndim - d - 1 :])
    if channels is not None and found[0] != channels:
        raise ValueError(
            f"{owner}: x must have in_channels = {channels} channels in "
            f"({letters}), got shape {tuple(x.shape)}"
        )
    if 0 in found:
        raise ValueError(
            f"{owner}: only the examples may be none, got x of shape {tuple(x.shape)}"
        )
