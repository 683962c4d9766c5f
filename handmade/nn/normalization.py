"""Layer and group normalisation."""

import math
from collections.abc import Sequence

from handmade._array import Array
from handmade._numbers import members, whole
from handmade.nn._norm import Norm, Sizes


class LayerNorm(Norm):
    """Layer normalisation: mean 0 and variance 1 over the last dimensions.

    Forward:
        x̂ = (x − μ) / √(σ² + ε),   y = w x̂ + b

    Backward:
        With g = w ∂L/∂y and means over the normalised dimensions:
        ∂L/∂x = (g − mean g − x̂ · mean(g x̂)) / √(σ² + ε)
        ∂L/∂w = Σ ∂L/∂y · x̂,   ∂L/∂b = Σ ∂L/∂y, the sums over the examples

    Shape:
        x and y (…, *normalized_shape); w and b normalized_shape.

    Stability:
        The mean is subtracted twice, which removes its own rounding error.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last.
        eps: ε, above 0.
        elementwise_affine: whether there are w and b.
        bias: without it, b is absent.

    Torch:
        `torch.nn.LayerNorm`, which also takes ε ≤ 0 and sizes of 0; ValueError here.
        Where σ² overflows x̂ is 0; in short rows torch's may be NaN.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        sizes = members(normalized_shape)
        shape = tuple(whole("LayerNorm", "normalized_shape", n, 1) for n in sizes)
        if not shape:
            raise ValueError("LayerNorm: normalized_shape must hold a size, got none")
        weight = elementwise_affine
        super().__init__(shape, eps=eps, weight=weight, bias=bias)
        self.normalized_shape = shape

    def layout(self, x: Array) -> tuple[Sizes, Sizes, int]:
        """Statistics of each example; w and b have the normalised dimensions."""
        first = x.ndim - len(self.normalized_shape)
        if first < 0 or tuple(x.shape[first:]) != self.normalized_shape:
            raise ValueError(
                f"LayerNorm: the last dimensions of x must be normalized_shape = "
                f"{self.normalized_shape}, got x of shape {tuple(x.shape)}"
            )
        return x.shape, tuple(range(first, x.ndim)), first


class GroupNorm(Norm):
    """Group normalisation: mean 0 and variance 1 in each group of channels.

    Forward:
        x̂ = (x − μ) / √(σ² + ε),   y = w x̂ + b

    Backward:
        With g = w ∂L/∂y and means over each group:
        ∂L/∂x = (g − mean g − x̂ · mean(g x̂)) / √(σ² + ε)
        ∂L/∂w = Σ ∂L/∂y · x̂,   ∂L/∂b = Σ ∂L/∂y, the sums over all but the channels

    Shape:
        x and y (n, c, …), w and b (c,): c channels; a group is c / num_groups of them,
        side by side, with all that follows.

    Stability:
        The mean is subtracted twice, which removes its own rounding error.

    Args:
        num_groups: how many groups; must divide the channels.
        num_channels: c.
        eps: ε, above 0.
        affine: whether there are w and b.
        bias: without it, b is absent.

    Torch:
        `torch.nn.GroupNorm`. Both refuse one example with one value in each group. Of
        groups without a value torch makes NaN gradients; ValueError here. Where σ²
        overflows x̂ is 0; in small groups torch's may be NaN.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        num_groups = whole("GroupNorm", "num_groups", num_groups, 1)
        num_channels = whole("GroupNorm", "num_channels", num_channels, 1)
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_groups must divide num_channels, "
                f"got {num_groups} groups of {num_channels} channels"
            )
        super().__init__((num_channels,), eps=eps, weight=affine, bias=bias)
        self.num_groups = num_groups
        self.num_channels = num_channels

    def layout(self, x: Array) -> tuple[Sizes, Sizes, int]:
        """Statistics of each group, seen as a row; w and b of each channel."""
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            raise ValueError(
                f"GroupNorm: x must be (n, num_channels = {self.num_channels}, …), "
                f"got x of shape {tuple(x.shape)}"
            )
        size = self.num_channels // self.num_groups * math.prod(x.shape[2:])
        if size == 0 or x.shape[0] * size == 1:
            raise ValueError(
                f"GroupNorm: each group needs values, and a batch more than one value "
                f"for each group, got x of shape {tuple(x.shape)}"
            )
        return (x.shape[0], self.num_groups, size), (2,), 1
