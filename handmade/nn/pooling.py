"""Pooling: each window shrinks to one number, its largest or its mean."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from handmade._array import Array, floating_namespace, require_shape
from handmade.nn._windows import Sizes, Windows, require_input, whole_numbers
from handmade.nn.module import Module


class _Pooling(Module):
    """What all pooling layers share: their windows, and what they may be given."""

    spatial: int
    """How many spatial dimensions there are."""

    def __init__(
        self, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
    ) -> None:
        owner, d = type(self).__name__, self.spatial
        kernel = whole_numbers(owner, "kernel_size", kernel_size, d, 1)
        steps = whole_numbers(
            owner, "stride", kernel_size if stride is None else stride, d, 1
        )
        ends = whole_numbers(owner, "padding", padding, d, 0)
        gaps = whole_numbers(owner, "dilation", dilation, d, 1)
        if any(2 * p > k for p, k in zip(ends, kernel, strict=True)):
            raise ValueError(
                f"{owner}: padding must be at most half of kernel_size, got padding "
                f"{padding!r} and kernel_size {kernel_size!r}"
            )
        self.windows = Windows(kernel, steps, ends, gaps, bool(ceil_mode))

    def _taken_apart(self, xp: Any, x: Array, fill: float) -> tuple[list[Array], Sizes]:
        """The windows of x as parts, and how many windows there are."""
        require_input(type(self).__name__, x, self.spatial)
        counts = self._counts(x)
        axis = x.ndim - self.spatial
        return self.windows.parts(xp, x, axis, counts, fill), counts

    def _put_back(self, xp: Any, parts: Iterable[Array], x: Array) -> Array:
        """The adjoint: the gradient by x from that by its parts."""
        axis = x.ndim - self.spatial
        return self.windows.overlap_add(xp, parts, axis, tuple(x.shape[axis:]), x)

    def _counts(self, x: Array) -> Sizes:
        sizes = tuple(x.shape[x.ndim - self.spatial :])
        return self.windows.counts(type(self).__name__, sizes)

    def _matching(self, x: Array, grad_output: Array) -> Any:
        """The namespace, once `grad_output` is known to fit the forward pass."""
        owner, leading = type(self).__name__, x.shape[: x.ndim - self.spatial]
        require_shape(owner, "grad_output", grad_output, (*leading, *self._counts(x)))
        return floating_namespace(owner, x=x, grad_output=grad_output)


class _MaxPool(_Pooling):
    """The largest number of each window, in any number of spatial dimensions."""

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
        if return_indices:
            raise ValueError(
                f"{type(self).__name__}: return_indices must be False, "
                f"got {return_indices!r}"
            )

    def forward(self, x: Array) -> Array:
        xp = floating_namespace(type(self).__name__, x=x)
        parts, counts = self._taken_apart(xp, x, fill=-float("inf"))
        sizes = tuple(x.shape[x.ndim - self.spatial :])
        self.windows.require_inside(type(self).__name__, counts, sizes)
        y, winner = parts[0], self.windows.first_inside(xp, x, counts)
        for place, part in enumerate(parts[1:], start=1):
            wins = (part > y) | xp.isnan(part)
            y = xp.maximum(y, part)
            winner = xp.maximum(winner, place * xp.astype(wins, winner.dtype))
        self.saved = x, winner
        return y

    def backward(self, grad_output: Array) -> Array:
        x, winner = self.saved
        xp = self._matching(x, grad_output)
        places = range(self.windows.places)
        parts = (xp.where(winner == place, grad_output, 0.0) for place in places)
        return self._put_back(xp, parts, x)


class _AvgPool(_Pooling):
    """The mean of each window, in any number of spatial dimensions."""

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
        self.count_include_pad = bool(count_include_pad)

    def forward(self, x: Array) -> Array:
        xp = floating_namespace(type(self).__name__, x=x)
        parts, counts = self._taken_apart(xp, x, fill=0)
        divisor = self._divisor(xp, x, counts)
        self.saved = x, divisor
        return sum(parts) / divisor

    def backward(self, grad_output: Array) -> Array:
        x, divisor = self.saved
        xp = self._matching(x, grad_output)
        share = grad_output / divisor
        return self._put_back(xp, [share] * self.windows.places, x)

    def _divisor(self, xp: Any, x: Array, counts: Sizes) -> Any:
        """What each sum is divided by: one number, or one for each window."""
        if self.divisor_override is not None:
            return self.divisor_override
        sizes = tuple(x.shape[x.ndim - self.spatial :])
        return self.windows.held(xp, x, counts, sizes, self.count_include_pad)


class MaxPool1d(_MaxPool):
    """The largest number of each window of a sequence.

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
        nothing but padding, as a dilation may make it; refused here.
    """

    spatial = 1


class MaxPool2d(_MaxPool):
    """The largest number of each window of an image.

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
        nothing but padding, as a dilation may make it; refused here.
    """

    spatial = 2


class AvgPool1d(_AvgPool):
    """The mean of each window of a sequence.

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
    """The mean of each window of an image.

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
            self.divisor_override = _divisor("AvgPool2d", divisor_override)


def _divisor(owner: str, value: Any) -> int:
    if not isinstance(value, Integral):
        raise TypeError(
            f"{owner}: divisor_override must be a whole number, got {value!r}"
        )
    if value == 0:
        raise ValueError(f"{owner}: divisor_override must not be 0")
    return int(value)
