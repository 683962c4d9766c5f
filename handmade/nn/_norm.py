"""The base class of normalisation layers."""

import math
from typing import Any

import numpy as np

from handmade._array import Array, check, check_grad, is_count
from handmade._numbers import flag, positive
from handmade.nn.module import Module, Parameter

Sizes = tuple[int, ...]


class Norm(Module):
    """Standardises x along some dimensions, then scales and shifts.

    Forward:
        x̂ = (x − μ) / √(σ² + ε),   y = w x̂ + b
        with μ = mean x, σ² = mean (x − μ)²

    Backward:
        ∂L/∂w = Σ ∂L/∂y · x̂,   ∂L/∂b = Σ ∂L/∂y,   g = w ∂L/∂y
        ∂L/∂x = (g − mean g − x̂ · mean(g x̂)) / √(σ² + ε), as μ and σ² depend on x
        ∂L/∂x = g / √(σ² + ε) where they are constants

    Stability:
        The mean is subtracted twice, which removes its own rounding error.

    Args:
        shape: of w and of b.
        eps: ε, above 0.
        weight: whether there is a w; it starts at 1.
        bias: whether there is a b beside w; it starts at 0.
    """

    def __init__(self, shape: Sizes, *, eps: float, weight: bool, bias: bool) -> None:
        owner = type(self).__name__
        weight, bias = flag(owner, "affine", weight), flag(owner, "bias", bias)
        bias = bias and weight
        self.eps = positive(owner, "eps", eps)
        self.weight = Parameter(np.ones(shape, np.float32)) if weight else None
        self.bias = Parameter(np.zeros(shape, np.float32)) if bias else None

    def forward(self, x: Array) -> Array:
        state = {k: a for k, a in self.state_dict().items() if not is_count(a)}
        xp = check(self, x=x, **state)
        shape, axes, first = self.layout(x)
        centred, variance = self.statistics(xp, xp.reshape(x, shape), axes)
        inverse = 1 / xp.sqrt(variance + self.eps)
        x_hat = xp.reshape(centred * inverse, x.shape)
        self.saved = x_hat, inverse, shape, axes, first
        y = x_hat * _beside(xp, self.weight, x, first) if self.weight else 1 * x_hat
        return y + _beside(xp, self.bias, x, first) if self.bias else y

    def backward(self, grad_output: Array) -> Array:
        x_hat, inverse, shape, axes, first = self.saved
        xp, g = check_grad(self, grad_output, x_hat), grad_output
        if self.bias:
            self.bias.accumulate(_sum_beside(xp, g, self.bias, first))
        if self.weight:
            self.weight.accumulate(_sum_beside(xp, g * x_hat, self.weight, first))
            g = g * _beside(xp, self.weight, g, first)
        g = xp.reshape(g, shape)
        if axes:  # else μ and σ² are constants
            x_hat = xp.reshape(x_hat, shape)
            g = g - mean(xp, g, axes) - x_hat * mean(xp, g * x_hat, axes)
        return xp.reshape(g * inverse, grad_output.shape)

    def layout(self, x: Array) -> tuple[Sizes, Sizes, int]:
        """How x is seen.

        Its shape while normalised; the dimensions of that shape which μ and σ² are
        means over, none where these are constants; and the first dimension of x that w
        and b have.

        Raises:
            ValueError: the shape of x does not fit.
        """
        raise NotImplementedError

    def statistics(self, xp: Any, x: Array, axes: Sizes) -> tuple[Array, Array]:
        """The differences x − μ, and σ²."""
        return moments(xp, x, axes)[1:]


def moments(xp: Any, x: Array, axes: Sizes) -> tuple[Array, Array, Array]:
    """μ, x − μ and σ² = mean (x − μ)² along `axes`, which stay, of size 1."""
    first = mean(xp, x, axes)
    centred = x - first
    # Far from 0 the rounding of a mean outweighs a small σ; a second one takes it out.
    rest = mean(xp, centred, axes)
    centred = centred - rest
    whole = xp.where(xp.isfinite(first), first + rest, first)
    return whole, centred, mean(xp, centred * centred, axes)


def mean(xp: Any, values: Array, axes: Sizes) -> Array:
    """The mean along `axes`; of no values it is 0."""
    n = math.prod(values.shape[axis] for axis in axes)
    return xp.sum(values, axis=axes, keepdims=True) / max(n, 1)


def _beside(xp: Any, parameter: Parameter, x: Array, first: int) -> Array:
    """A parameter, whose dimensions are those of x from `first` on, broadcast to x."""
    shape = parameter.shape
    return xp.reshape(parameter.data, (*shape, *(1,) * (x.ndim - first - len(shape))))


def _sum_beside(xp: Any, values: Array, parameter: Parameter, first: int) -> Array:
    """The sum along all dimensions but those that a parameter has."""
    last = first + len(parameter.shape)
    return xp.sum(values, axis=(*range(first), *range(last, values.ndim)))
