"""Convolution: one small set of weights, used at every place of the input."""

import math
from typing import Any

from handmade._array import Array, floating_namespace, require_shape
from handmade._random import uniform
from handmade.nn._windows import Sizes, Windows, require_input, whole_numbers
from handmade.nn.module import Module, Parameter


class _Convolution(Module):
    """What a convolution is in any number of spatial dimensions.

    With its windows as the columns of a matrix P, it is the matrix product W P + b: a
    fully connected layer that looks at one window after another. Each group has a W
    and a P of its own.

    Shape:
        W (g, o/g, i/g·k), P (g, i/g·k, l·n): g groups, i input and o output channels,
        k places in the kernel, n examples, l windows on each.
    """

    spatial: int
    """How many spatial dimensions there are."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        owner, d = type(self).__name__, self.spatial
        _require_groups(owner, in_channels, out_channels, groups)
        _require_zeros(owner, padding_mode)
        kernel = whole_numbers(owner, "kernel_size", kernel_size, d, 1)
        steps = whole_numbers(owner, "stride", stride, d, 1)
        gaps = whole_numbers(owner, "dilation", dilation, d, 1)
        ends = _padding(owner, padding, kernel, steps, gaps)
        self.windows = Windows(kernel, steps, ends, gaps)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.groups = groups
        shape = (out_channels, in_channels // groups, *kernel)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(uniform(-bound, bound, shape))
        self.bias = Parameter(uniform(-bound, bound, shape[:1])) if bias else None

    def forward(self, x: Array) -> Array:
        owner = type(self).__name__
        xp = floating_namespace(owner, x=x, weight=self.weight.data)
        require_input(owner, x, self.spatial, self.in_channels)
        images = _examples_last(xp, x, self.spatial)
        counts = self.windows.counts(owner, tuple(images.shape[1:-1]))
        parts = self.windows.parts(xp, images, 1, counts)
        patches = self._grouped(xp, xp.stack(parts, axis=1), counts)
        self.saved = patches, tuple(x.shape), counts
        y = self._kernels(xp) @ patches
        if self.bias is not None:
            y += xp.reshape(self.bias.data, (*y.shape[:2], 1))
        y = xp.reshape(y, (self.out_channels, *counts, images.shape[-1]))
        return _examples_first(xp, y, x.ndim)

    def backward(self, grad_output: Array) -> Array:
        _, shape, counts = self.saved
        xp, grad, n = self._columns(grad_output)
        self._accumulate(xp, grad)
        grad_patches = xp.matrix_transpose(self._kernels(xp)) @ grad
        k, sizes = self.windows.places, shape[-self.spatial :]
        parts = xp.reshape(grad_patches, (self.in_channels, k, *counts, n))
        grad_x = self.windows.overlap_add(
            xp, [parts[:, place, ...] for place in range(k)], 1, sizes
        )
        return _examples_first(xp, grad_x, len(shape))

    def acc_grad_parameters(self, grad_output: Array) -> None:
        xp, grad, _ = self._columns(grad_output)
        self._accumulate(xp, grad)

    def _accumulate(self, xp: Any, grad: Array) -> None:
        """Add ∂L/∂W and ∂L/∂b, from ∂L/∂(W P + b)."""
        patches, *_ = self.saved
        grad_weight = grad @ xp.matrix_transpose(patches)
        self.weight.accumulate(xp.reshape(grad_weight, self.weight.shape))
        if self.bias is not None:
            self.bias.accumulate(xp.reshape(xp.sum(grad, axis=2), self.bias.shape))

    def _columns(self, grad_output: Array) -> tuple[Any, Array, int]:
        """The namespace, `grad_output` as (g, o/g, l·n), and how many examples."""
        xp = self._matching(grad_output)
        grad = _examples_last(xp, grad_output, self.spatial)
        return xp, self._grouped(xp, grad, self.saved[2]), grad.shape[-1]

    def _matching(self, grad_output: Array) -> Any:
        """The namespace, once `grad_output` is known to fit the forward pass."""
        patches, shape, counts = self.saved
        owner, batch = type(self).__name__, shape[: -self.spatial - 1]
        wanted = (*batch, self.out_channels, *counts)
        require_shape(owner, "grad_output", grad_output, wanted)
        return floating_namespace(owner, x=patches, grad_output=grad_output)

    def _kernels(self, xp: Any) -> Array:
        """W: each output channel's weights as a row."""
        o, *inner = self.weight.shape
        shape = (self.groups, o // self.groups, math.prod(inner))
        return xp.reshape(self.weight.data, shape)

    def _grouped(self, xp: Any, a: Array, counts: Sizes) -> Array:
        """(channels, …, *counts, n) as a matrix for each group, of l·n columns."""
        rows = math.prod(a.shape[: -len(counts) - 1]) // self.groups
        return xp.reshape(a, (self.groups, rows, math.prod(counts) * a.shape[-1]))


class Conv1d(_Convolution):
    """A small pattern, looked for at every place of a sequence.

    Forward:
        y[n, o, t] = b[o] + Σᵢ Σₖ W[o, i, k] · x[n, i, s·t + d·k − p]
        with stride s, dilation d and padding p; x is 0 outside: the kernel is not
        turned round, which makes this a cross-correlation

    Backward:
        ∂L/∂x[n, i, s·t + d·k − p] = Σ W[o, i, k] · ∂L/∂y[n, o, t]   over all o, t, k
        ∂L/∂W[o, i, k] = Σₙ Σₜ x[n, i, s·t + d·k − p] · ∂L/∂y[n, o, t]
        ∂L/∂b[o] = Σₙ Σₜ ∂L/∂y[n, o, t]

    Shape:
        x (n, i, length) or (i, length), W (o, i/groups, k), b (o,), y (n, o, windows)
        or (o, windows).

    Args:
        in_channels: i, at least 1.
        out_channels: o, at least 1.
        kernel_size: k, how wide the pattern is.
        stride: s, from one window to the next.
        padding: p, how many zeros at either end; "valid" is none, "same" as many as
            make y as long as x.
        dilation: d, from one weight to the next, in x.
        groups: into so many the channels are divided; each output channel sees those
            of its own group only.
        bias: without it, b is absent and `bias` is None.
        padding_mode: "zeros" is all there is.

    Torch:
        `torch.nn.Conv1d`: same layout, same initial law U(-1/√f, 1/√f), f = i/groups·k.
        Refused here: other padding modes; "same" where as many zeros cannot stand at
        both ends (an even kernel; torch puts one more behind); no channels.
    """

    spatial = 1


class Conv2d(_Convolution):
    """A small pattern, looked for at every place of an image.

    Forward:
        y[n, o, t] = b[o] + Σᵢ Σₖ W[o, i, k] · x[n, i, s·t + d·k − p]
        with stride s, dilation d and padding p; t, k, s, d, p are pairs (down, across)
        and x is 0 outside: the kernel is not turned round, which makes this a
        cross-correlation

    Backward:
        ∂L/∂x[n, i, s·t + d·k − p] = Σ W[o, i, k] · ∂L/∂y[n, o, t]   over all o, t, k
        ∂L/∂W[o, i, k] = Σₙ Σₜ x[n, i, s·t + d·k − p] · ∂L/∂y[n, o, t]
        ∂L/∂b[o] = Σₙ Σₜ ∂L/∂y[n, o, t]

    Shape:
        x (n, i, height, width) or (i, height, width), W (o, i/groups, *kernel), b (o,),
        y (n, o, *windows) or (o, *windows).

    Args:
        in_channels: i, at least 1.
        out_channels: o, at least 1.
        kernel_size: how large the pattern is: one number, or (down, across).
        stride: s, from one window to the next.
        padding: p, how many zeros at either end; "valid" is none, "same" as many as
            make y as large as x.
        dilation: d, from one weight to the next, in x.
        groups: into so many the channels are divided; each output channel sees those
            of its own group only.
        bias: without it, b is absent and `bias` is None.
        padding_mode: "zeros" is all there is.

    Torch:
        `torch.nn.Conv2d`: same layout, same initial law U(-1/√f, 1/√f), where f is the
        number of weights of an output channel. Refused here: other padding modes;
        "same" where as many zeros cannot stand at both ends (an even kernel; torch
        puts one more behind); no channels.
    """

    spatial = 2


def _examples_last(xp: Any, a: Array, d: int) -> Array:
    """(n, c, …) → (c, …, n), whose slices lie closer; one example → (c, …, 1)."""
    if a.ndim == d + 1:
        return xp.expand_dims(a, axis=-1)
    return xp.permute_dims(a, (*range(1, d + 2), 0))


def _examples_first(xp: Any, a: Array, ndim: int) -> Array:
    """The inverse, whose result has so many dimensions."""
    if a.ndim > ndim:
        return xp.squeeze(a, axis=-1)
    return xp.permute_dims(a, (ndim - 1, *range(ndim - 1)))


def _padding(
    owner: str, padding: Any, kernel: Sizes, stride: Sizes, gaps: Sizes
) -> Sizes:
    """The zeros at either end, as numbers.

    Raises:
        ValueError: it is another word than "valid" and "same", or "same" where the
            output cannot be as large as the input or the two ends cannot be alike.
    """
    if not isinstance(padding, str):
        return whole_numbers(owner, "padding", padding, len(kernel), 0)
    if padding == "valid":
        return (0,) * len(kernel)
    if padding != "same":
        raise ValueError(
            f"{owner}: padding must be whole numbers, 'valid' or 'same', "
            f"got {padding!r}"
        )
    both_ends = [d * (k - 1) for k, d in zip(kernel, gaps, strict=True)]
    if max(stride) > 1 or any(zeros % 2 for zeros in both_ends):
        raise ValueError(
            f"{owner}: padding='same' needs stride 1 and as many zeros at either end, "
            f"so an odd kernel (or an even dilation); got kernel_size {kernel}, stride "
            f"{stride}, dilation {gaps}"
        )
    return tuple(zeros // 2 for zeros in both_ends)


def _require_zeros(owner: str, padding_mode: str) -> None:
    if padding_mode != "zeros":
        raise ValueError(f"{owner}: padding_mode must be 'zeros', got {padding_mode!r}")


def _require_groups(owner: str, i: Any, o: Any, groups: Any) -> None:
    """Refuse channels that do not divide into groups.

    Raises:
        TypeError: one of the three is no whole number.
        ValueError: it is below 1, or the groups do not divide the channels.
    """
    named = {"in_channels": i, "out_channels": o, "groups": groups}
    for name, value in named.items():
        whole_numbers(owner, name, value, 1, 1)
    if i % groups or o % groups:
        raise ValueError(
            f"{owner}: groups must divide in_channels and out_channels, got groups "
            f"{groups} with {i} and {o}"
        )
