"""Max and average pooling."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from handmade._array import Array, check, check_grad, device
from handmade._numbers import flag, only, whole, whole_tuple
from handmade.nn._im2col import Sizes, Windows, col2im, im2col
from handmade.nn.conv import require_images
from handmade.nn.module import Module


class _Pooling(Module):
    """Base class of pooling layers."""

    spatial: int
    """How many spatial dimensions there are."""
    takes_half = True

    def __init__(
        self, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
    ) -> None:
        owner, d = type(self).__name__, self.spatial
        stride = kernel_size if stride is None else stride
        self.windows = Windows(
            whole_tuple(owner, "kernel_size", kernel_size, d, 1),
            whole_tuple(owner, "stride", stride, d, 1),
            whole_tuple(owner, "padding", padding, d, 0),
            whole_tuple(owner, "dilation", dilation, d, 1),
            flag(owner, "ceil_mode", ceil_mode),
        )
        both = zip(self.windows.padding, self.windows.kernel, strict=True)
        if any(2 * p > k for p, k in both):
            raise ValueError(
                f"{owner}: padding must be at most half of kernel_size, got padding "
                f"{padding!r} and kernel_size {kernel_size!r}"
            )

    def _columns(self, x: Array, fill: float) -> list[Array]:
        """The windows of x taken apart, once x is known to be images."""
        require_images(self, x, self.spatial)
        return im2col(self, x, self.windows, x.ndim - self.spatial, fill)

    def _images(self, columns: list[Array], x: Array) -> Array:
        """∂L/∂x from the gradients by its columns."""
        axis = x.ndim - self.spatial
        return col2im(columns, self.windows, axis, tuple(x.shape[axis:]), x)


class _MaxPool(_Pooling):
    """Max pooling.

    Forward:
        y[t] = max over k of column k [t] = x[s·t + d·k − p]

    Backward:
        ∂L/∂column k [t] = ∂L/∂y[t] where k is the position of the largest, else 0
        ∂L/∂x = col2im of these: windows that overlap add
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode)
        only(type(self).__name__, return_indices=(return_indices, False))

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        y, *others = self._columns(x, fill=-math.inf)
        winner = self._first_inside(xp, x)
        for position, column in enumerate(others, start=1):
            wins = (column > y) | xp.isnan(column)
            y = xp.maximum(y, column)
            winner = xp.where(wins, position, winner)
        self.saved = x, winner, y.shape
        return y

    def backward(self, grad_output: Array) -> Array:
        x, winner, shape = self.saved
        xp = check_grad(self, grad_output, x, shape)
        positions = range(math.prod(self.windows.kernel))
        columns = [xp.where(winner == k, grad_output, 0.0) for k in positions]
        return self._images(columns, x)

    def _first_inside(self, xp: Any, x: Array) -> Array:
        """The first position of each window that is not padding: it wins if all are −∞.

        Raises:
            ValueError: a window lies wholly in the padding, or steps over the input.
        """
        sizes = tuple(x.shape[-self.spatial :])
        if not _all_meet_input(self.windows, sizes):
            raise ValueError(
                f"{type(self).__name__}: a window holds nothing but padding, of an "
                f"input of size {sizes} with {self.windows}"
            )
        ones = xp.ones(sizes, dtype=x.dtype, device=device(x))
        return xp.argmax(xp.stack(im2col(self, ones, self.windows, 0)), axis=0)


@lru_cache(maxsize=1000)
def _all_meet_input(windows: Windows, sizes: Sizes) -> bool:
    """Whether each window on an input of these sizes holds a part of it."""
    inside: Any = im2col("", np.ones(sizes), windows, 0)
    return bool(np.all(sum(inside) > 0))


class _AvgPool(_Pooling):
    """Average pooling.

    Forward:
        y[t] = Σₖ column k [t] / m[t],   column k [t] = x[s·t + k − p]

    Backward:
        ∂L/∂column k [t] = ∂L/∂y[t] / m[t]
        ∂L/∂x = col2im of these: windows that overlap add
    """

    divisor_override: int | None = None

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, 1, ceil_mode)
        owner = type(self).__name__
        self.count_include_pad = flag(owner, "count_include_pad", count_include_pad)

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x)
        columns = self._columns(x, fill=0)
        divisor = self._divisor(xp, x, columns[0].shape)
        y = sum(columns) / divisor
        self.saved = x, divisor, y.shape
        return y

    def backward(self, grad_output: Array) -> Array:
        x, divisor, shape = self.saved
        check_grad(self, grad_output, x, shape)
        k = math.prod(self.windows.kernel)
        return self._images([grad_output / divisor] * k, x)

    def _divisor(self, xp: Any, x: Array, shape: Sizes) -> Any:
        """The m that each sum is divided by: how many numbers its window holds."""
        if self.divisor_override is not None:
            return self.divisor_override
        total = xp.ones((), dtype=x.dtype, device=device(x))
        sizes, counts = x.shape[-self.spatial :], shape[-self.spatial :]
        for size, count, k, s, p in zip(sizes, counts, *self.windows[:3], strict=True):
            start = xp.arange(count, dtype=xp.int64, device=device(x)) * s - p
            margin = p if self.count_include_pad else 0
            end = xp.clip(start + k, None, size + margin)
            length = end - xp.clip(start, -margin, None)
            total = total[..., None] * xp.astype(length, x.dtype)
        return total


class MaxPool1d(_MaxPool):
    """1-D max pooling over sequences.

    Its forward and backward are those of its base class `_MaxPool`.

    Forward:
        y[t] = max over k of x[s·t + d·k − p]     in every channel
        with stride s, dilation d and padding p; outside, x is −∞

    Backward:
        ∂L/∂x gets each ∂L/∂y[t] where the largest stands; windows that overlap add

    At the kink:
        Of several equal largest numbers the first alone gets the gradient, as in
        torch. NaN passes for the largest, and of several the last one.

    Shape:
        x (n, c, length) or (c, length) → y (n, c, windows) or (c, windows).

    Args:
        kernel_size: how wide a window is.
        stride: s, from one window to the next; a whole window unless given.
        padding: p, how much is added at either end: at most half a kernel.
        dilation: d, from one place of a window to the next, in x.
        return_indices: only False is possible.
        ceil_mode: whether a last window may hang over the end; it must start inside x
            or the padding before it.

    Torch:
        `torch.nn.MaxPool1d`, which writes outside its memory where a window holds
        nothing but padding, as a dilation may make it; ValueError here.
    """

    spatial = 1


class MaxPool2d(_MaxPool):
    """2-D max pooling over images.

    Its forward and backward are those of its base class `_MaxPool`.

    Forward:
        y[t] = max over k of x[s·t + d·k − p]     in every channel
        with stride s, dilation d and padding p; t, k, s, d, p are pairs (down, across);
        outside, x is −∞

    Backward:
        ∂L/∂x gets each ∂L/∂y[t] where the largest stands; windows that overlap add

    At the kink:
        Of several equal largest numbers the first alone, row by row, gets the
        gradient, as in torch. NaN passes for the largest, and of several the last one.

    Shape:
        x (n, c, height, width) or (c, height, width) → y (n, c, *windows) or
        (c, *windows).

    Args:
        kernel_size: how large a window is: one number, or (down, across).
        stride: s, from one window to the next; a whole window unless given.
        padding: p, how much is added at either end: at most half a kernel.
        dilation: d, from one place of a window to the next, in x.
        return_indices: only False is possible.
        ceil_mode: whether a last window may hang over the end; it must start inside x
            or the padding before it.

    Torch:
        `torch.nn.MaxPool2d`, which writes outside its memory where a window holds
        nothing but padding, as a dilation may make it; ValueError here.
    """

    spatial = 2


class AvgPool1d(_AvgPool):
    """1-D average pooling over sequences.

    Its forward and backward are those of its base class `_AvgPool`.

    Forward:
        y[t] = Σₖ x[s·t + k − p] / m[t]     in every channel
        with stride s and padding p; outside, x is 0

    Backward:
        ∂L/∂x[s·t + k − p] gets ∂L/∂y[t] / m[t]; windows that overlap add

    Shape:
        x (n, c, length) or (c, length) → y (n, c, windows) or (c, windows).

    Args:
        kernel_size: how wide a window is.
        stride: s, from one window to the next; a whole window unless given.
        padding: p, how many zeros at either end: at most half a kernel.
        ceil_mode: whether a last window may hang over the end; it must start inside x
            or the padding before it. What lies beyond the padding never counts in m.
        count_include_pad: whether the padding counts in m.

    Torch:
        `torch.nn.AvgPool1d`.
    """

    spatial = 1


class AvgPool2d(_AvgPool):
    """2-D average pooling over images.

    Its forward and backward are those of its base class `_AvgPool`.

    Forward:
        y[t] = Σₖ x[s·t + k − p] / m[t]     in every channel
        with stride s and padding p, all pairs (down, across); outside, x is 0

    Backward:
        ∂L/∂x[s·t + k − p] gets ∂L/∂y[t] / m[t]; windows that overlap add

    Shape:
        x (n, c, height, width) or (c, height, width) → y (n, c, *windows) or
        (c, *windows).

    Args:
        kernel_size: how large a window is: one number, or (down, across).
        stride: s, from one window to the next; a whole window unless given.
        padding: p, how many zeros at either end: at most half a kernel.
        ceil_mode: whether a last window may hang over the end; it must start inside x
            or the padding before it. What lies beyond the padding never counts in m.
        count_include_pad: whether the padding counts in m.
        divisor_override: m, for every window; not 0.

    Torch:
        `torch.nn.AvgPool2d`.
    """

    spatial = 2

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        if divisor_override is not None:
            divisor_override = whole("AvgPool2d", "divisor_override", divisor_override)
        if divisor_override == 0:
            raise ValueError("AvgPool2d: divisor_override must not be 0")
        self.divisor_override = divisor_override
