"""Convolution layers."""

import math
from typing import Any

from handmade._array import Array, check, check_grad
from handmade._numbers import choice, flag, only, whole, whole_tuple
from handmade._random import uniform
from handmade.nn._im2col import Sizes, Windows, col2im, im2col
from handmade.nn.module import Module, Parameter


class _Convolution(Module):
    """Convolution as a matrix product (im2col).

    Forward:
        y = W P + b        (o, l·n) = (o, i·k) (i·k, l·n)
        P holds each window of x as a column: P = im2col(x)

    Backward:
        ∂L/∂W = ∂L/∂y Pᵀ            (o, i·k)   = (o, l·n) (l·n, i·k)
        ∂L/∂b = Σ ∂L/∂y             (o,)       = sum of (o, l·n) over l·n
        ∂L/∂P = Wᵀ ∂L/∂y            (i·k, l·n) = (i·k, o) (o, l·n)
        ∂L/∂x = col2im(∂L/∂P), the adjoint: windows that overlap add

    Shape:
        i input and o output channels, k positions of the kernel, n examples, l windows
        on each. With g groups each has a W (o/g, i/g·k) and a P of its own.
    """

    spatial: int
    """How many spatial dimensions there are."""
    takes_half = True

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
        i, o = in_channels, out_channels
        for name, n in {"in_channels": i, "out_channels": o, "groups": groups}.items():
            whole(owner, name, n, 1)
        if i % groups or o % groups:
            raise ValueError(
                f"{owner}: groups must divide in_channels and out_channels, got groups "
                f"{groups} with {i} and {o}"
            )
        only(owner, padding_mode=(padding_mode, "zeros"))
        kernel = whole_tuple(owner, "kernel_size", kernel_size, d, 1)
        strides = whole_tuple(owner, "stride", stride, d, 1)
        dilations = whole_tuple(owner, "dilation", dilation, d, 1)
        zeros = _padding(owner, padding, kernel, strides, dilations)
        self.windows = Windows(kernel, strides, zeros, dilations)
        self.in_channels, self.out_channels, self.groups = i, o, groups
        shape = (o, i // groups, *kernel)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight = Parameter(uniform(-bound, bound, shape))
        has_bias = flag(owner, "bias", bias)
        self.bias = Parameter(uniform(-bound, bound, shape[:1])) if has_bias else None

    def forward(self, x: Array) -> Array:
        xp = check(self, x=x, weight=self.weight.data)
        require_images(self, x, self.spatial, self.in_channels)
        images = _examples_last(xp, x, self.spatial)
        columns = im2col(self, images, self.windows, axis=1)
        shape, k = columns[0].shape[1:], len(columns)
        patches = self._grouped(xp, xp.stack(columns, axis=1), self.in_channels * k)
        y = self._grouped(xp, self.weight.data, self.out_channels) @ patches
        if self.bias is not None:
            y += xp.reshape(self.bias.data, (*y.shape[:2], 1))
        self.saved = patches, tuple(x.shape), tuple(shape)
        return _examples_first(xp, xp.reshape(y, (self.out_channels, *shape)), x.ndim)

    def backward(self, grad_output: Array) -> Array | None:
        patches, x_shape, shape = self.saved
        y_shape = (*x_shape[: -self.spatial - 1], self.out_channels, *shape[:-1])
        xp = check_grad(self, grad_output, patches, y_shape)
        images = _examples_last(xp, grad_output, self.spatial)
        grad = self._grouped(xp, images, self.out_channels)
        grad_weight = grad @ xp.matrix_transpose(patches)  # ∂L/∂y Pᵀ
        self.weight.accumulate(xp.reshape(grad_weight, self.weight.shape))
        if self.bias is not None:
            self.bias.accumulate(xp.reshape(xp.sum(grad, axis=2), self.bias.shape))
        if not self.needs_input_grad:
            return None
        weight = self._grouped(xp, self.weight.data, self.out_channels)
        grad_patches = xp.matrix_transpose(weight) @ grad  # Wᵀ ∂L/∂y
        k = math.prod(self.windows.kernel)
        grad_patches = xp.reshape(grad_patches, (self.in_channels, k, *shape))
        columns = [grad_patches[:, position, ...] for position in range(k)]
        grad_x = col2im(columns, self.windows, 1, x_shape[-self.spatial :])
        return _examples_first(xp, grad_x, len(x_shape))

    def _grouped(self, xp: Any, a: Array, rows: int) -> Array:
        """A matrix of so many rows, cut into one for each group."""
        columns = math.prod(a.shape) // rows
        return xp.reshape(a, (self.groups, rows // self.groups, columns))


class Conv1d(_Convolution):
    """1-D convolution over sequences.

    Its forward and backward are those of its base class `_Convolution`.

    Forward:
        y[n, o, t] = b[o] + Σᵢ Σₖ W[o, i, k] · x[n, i, s·t + d·k − p]
        with stride s, dilation d and padding p; x is 0 outside; the kernel is not
        flipped: strictly a cross-correlation

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
        kernel_size: k, the width of the kernel.
        stride: s, from one window to the next.
        padding: p, how many zeros at either end; "valid" is none, "same" as many as
            make y as long as x.
        dilation: d, from one weight to the next, in x.
        groups: into so many the channels are divided; each output channel sees those
            of its own group only.
        bias: without it, b is absent and `bias` is None.
        padding_mode: "zeros" is all there is.

    Torch:
        `torch.nn.Conv1d`: same layout, same default initialisation U(-1/√f, 1/√f) with
        f = i/groups·k. ValueError here: other padding modes; "same" where as many zeros
        cannot stand at both ends (an even kernel; torch puts one more behind); no
        channels.
    """

    spatial = 1


class Conv2d(_Convolution):
    """2-D convolution over images.

    Its forward and backward are those of its base class `_Convolution`.

    Forward:
        y[n, o, t] = b[o] + Σᵢ Σₖ W[o, i, k] · x[n, i, s·t + d·k − p]
        with stride s, dilation d and padding p; t, k, s, d, p are pairs (down, across)
        and x is 0 outside; the kernel is not flipped: strictly a cross-correlation

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
        kernel_size: its size: one number, or (down, across).
        stride: s, from one window to the next.
        padding: p, how many zeros at either end; "valid" is none, "same" as many as
            make y as large as x.
        dilation: d, from one weight to the next, in x.
        groups: into so many the channels are divided; each output channel sees those
            of its own group only.
        bias: without it, b is absent and `bias` is None.
        padding_mode: "zeros" is all there is.

    Torch:
        `torch.nn.Conv2d`: same layout, same default initialisation U(-1/√f, 1/√f) with
        f = i/groups · (size of the kernel). ValueError here: other padding modes;
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


def require_images(
    layer: Module, x: Array, d: int, channels: int | None = None
) -> None:
    """Refuse x unless it is (n, c, *sizes) or (c, *sizes), with something in it.

    Raises:
        ValueError: x has another number of dimensions or of channels, or a dimension
            other than that of the examples is empty.
    """
    owner, shape = type(layer).__name__, tuple(x.shape)
    image = "c, length" if d == 1 else "c, height, width"
    c = "" if channels is None else f" with c = in_channels = {channels}"
    if x.ndim not in (d + 1, d + 2) or channels not in (None, shape[-d - 1]):
        raise ValueError(
            f"{owner}: x must be (n, {image}) or ({image}){c}, got shape {shape}"
        )
    if 0 in shape[-d - 1 :]:
        raise ValueError(
            f"{owner}: only the examples may be none, got x of shape {shape}"
        )


def _padding(
    owner: str, padding: Any, kernel: Sizes, stride: Sizes, dilation: Sizes
) -> Sizes:
    """The zeros at either end, as numbers.

    Raises:
        ValueError: it is another word than "valid" and "same", or "same" where the
            output cannot be as large as the input or the two ends cannot be alike.
    """
    if not isinstance(padding, str):
        return whole_tuple(owner, "padding", padding, len(kernel), 0)
    if choice(owner, "padding", padding, ("valid", "same")) == "valid":
        return (0,) * len(kernel)
    both_ends = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if max(stride) > 1 or any(n % 2 for n in both_ends):
        raise ValueError(
            f"{owner}: padding='same' needs stride 1 and as many zeros at either end, "
            f"so an odd kernel (or an even dilation); got kernel_size {kernel}, stride "
            f"{stride}, dilation {dilation}"
        )
    return tuple(n // 2 for n in both_ends)
