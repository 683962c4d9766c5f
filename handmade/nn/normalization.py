"""Normalising each example by itself, whatever else is in the batch."""

import math
from collections.abc import Iterable, Sequence

from handmade._array import Array, require_like
from handmade._numbers import whole
from handmade.nn._standardize import Normalization, grad_moments, moments


class LayerNorm(Normalization):
    """Gives each example mean 0 and variance 1 over its last dimensions.

    Forward:
        x̂ = (x − μ) / √(σ² + ε),   y = w x̂ + b

    Backward:
        With g = w ∂L/∂y and means over the normalised dimensions:
        ∂L/∂x = (g − mean g − x̂ · mean(g x̂)) / √(σ² + ε)
        ∂L/∂w = Σ ∂L/∂y · x̂,   ∂L/∂b = Σ ∂L/∂y, the sums over the examples

    Shape:
        x and y (…, *normalized_shape); w and b normalized_shape.

    Stability:
        The mean is taken out twice, which removes its own rounding.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last.
        eps: ε, above 0.
        elementwise_affine: whether there are w and b.
        bias: without it, b is absent.

    Torch:
        `torch.nn.LayerNorm`, which also takes ε ≤ 0 and sizes of 0; refused here.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        several = isinstance(normalized_shape, Iterable)
        sizes = normalized_shape if several else (normalized_shape,)
        shape = tuple(whole("LayerNorm", "normalized_shape", n, 1) for n in sizes)
        if not shape:
            raise ValueError("LayerNorm: normalized_shape must hold a size, got none")
        weight = elementwise_affine
        super().__init__(shape, eps=eps, weight=weight, bias=weight and bias)
        self.normalized_shape = shape

    def forward(self, x: Array) -> Array:
        xp = self._namespace(x)
        first = x.ndim - len(self.normalized_shape)
        if first < 0 or tuple(x.shape[first:]) != self.normalized_shape:
            raise ValueError(
                f"LayerNorm: the last dimensions of x must be normalized_shape = "
                f"{self.normalized_shape}, got x of shape {tuple(x.shape)}"
            )
        axes = tuple(range(first, x.ndim))
        _, centred, variance = moments(xp, x, axes)
        inverse = 1 / xp.sqrt(variance + self.eps)
        x_hat = centred * inverse
        self.saved = x_hat, inverse, axes
        return self._scaled(xp, x_hat, first)

    def backward(self, grad_output: Array) -> Array:
        x_hat, inverse, axes = self.saved
        require_like("LayerNorm", "grad_output", grad_output, x_hat)
        xp = self._namespace(grad_output)
        grad = self._grad_scaled(xp, grad_output, x_hat, axes[0])
        return grad_moments(xp, grad, x_hat, inverse, axes)


class GroupNorm(Normalization):
    """Gives each group of channels of each example mean 0 and variance 1.

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
        The mean is taken out twice, which removes its own rounding.

    Args:
        num_groups: how many groups; must divide the channels.
        num_channels: c.
        eps: ε, above 0.
        affine: whether there are w and b.
        bias: without it, b is absent.

    Torch:
        `torch.nn.GroupNorm`. Both refuse one example with one value in each group. Of
        groups without a value torch makes NaN gradients; refused here.
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
        super().__init__((num_channels,), eps=eps, weight=affine, bias=affine and bias)
        self.num_groups = num_groups
        self.num_channels = num_channels

    def forward(self, x: Array) -> Array:
        xp = self._namespace(x)
        grouped = xp.reshape(x, self._grouped(x))
        _, centred, variance = moments(xp, grouped, (2,))
        inverse = 1 / xp.sqrt(variance + self.eps)
        x_hat = xp.reshape(centred * inverse, x.shape)
        self.saved = x_hat, inverse
        return self._scaled(xp, x_hat, 1)

    def backward(self, grad_output: Array) -> Array:
        x_hat, inverse = self.saved
        require_like("GroupNorm", "grad_output", grad_output, x_hat)
        xp = self._namespace(grad_output)
        grad = self._grad_scaled(xp, grad_output, x_hat, 1)
        grouped = self._grouped(x_hat)
        grad, hats = xp.reshape(grad, grouped), xp.reshape(x_hat, grouped)
        grad_input = grad_moments(xp, grad, hats, inverse, (2,))
        return xp.reshape(grad_input, x_hat.shape)

    def _grouped(self, x: Array) -> tuple[int, int, int]:
        """(examples, groups, values of a group): the shape in which groups are rows."""
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
        return x.shape[0], self.num_groups, size
