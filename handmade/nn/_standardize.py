"""What every normalisation shares: mean and variance, scale and shift, and back."""

import math
from typing import Any

import numpy as np

from handmade._array import Array, floating_namespace, is_count, placed, summed
from handmade._numbers import positive
from handmade.nn.module import Module, Parameter


def moments(xp: Any, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """μ, x − μ and σ² = mean (x − μ)² along `axes`, which stay, of size 1."""
    first = _mean(x, axes)
    centred = x - first
    # Far from 0 the rounding of a mean outweighs a small σ; a second one takes it out.
    rest = _mean(centred, axes)
    centred -= rest
    return first + rest, centred, _mean(centred * centred, axes)


def grad_moments(
    xp: Any, grad: Array, x_hat: Array, inverse: Array, axes: tuple[int, ...]
) -> Array:
    """∂L/∂x from ∂L/∂x̂, through μ and σ² as well; `inverse` is 1 / √(σ² + ε)."""
    along = _mean(grad * x_hat, axes)
    grad_x = grad - _mean(grad, axes)
    grad_x -= x_hat * along
    grad_x *= inverse
    return grad_x


def _mean(values: Array, axes: tuple[int, ...]) -> Array:
    """The mean along `axes`; of no values it is 0."""
    n = math.prod(values.shape[axis] for axis in axes)
    return summed(values, axis=axes, keepdims=True) / max(n, 1)


class Normalization(Module):
    """ε, and a scale w and a shift b to be learned.

    Args:
        shape: of w and of b.
        eps: ε, above 0.
        weight: whether there is a w; it starts at 1.
        bias: whether there is a b; it starts at 0.
    """

    def __init__(
        self, shape: tuple[int, ...], *, eps: float, weight: bool, bias: bool
    ) -> None:
        self.eps = positive(type(self).__name__, "eps", eps)
        self.weight = Parameter(np.ones(shape, np.float32)) if weight else None
        self.bias = Parameter(np.zeros(shape, np.float32)) if bias else None

    def _namespace(self, x: Array) -> Any:
        """The namespace of x, once all numbers of the state fit it."""
        state = {k: a for k, a in self.state_dict().items() if not is_count(a)}
        return floating_namespace(type(self).__name__, x=x, **state)

    def _scaled(self, xp: Any, x_hat: Array, first: int) -> Array:
        """W x̂ + b, the dimensions of w and b being those of x̂ from `first` on."""
        y = x_hat
        if self.weight is not None:
            y = y * placed(self.weight.data, first, y.ndim)
        if self.bias is not None:
            y = y + placed(self.bias.data, first, y.ndim)
        return y

    def _grad_scaled(self, xp: Any, grad: Array, x_hat: Array, first: int) -> Array:
        """∂L/∂x̂; ∂L/∂w and ∂L/∂b accumulate."""
        if self.bias is not None:
            self.bias.accumulate(_over_the_rest(xp, grad, self.bias, first))
        if self.weight is None:
            return grad
        self.weight.accumulate(_over_the_rest(xp, grad * x_hat, self.weight, first))
        return grad * placed(self.weight.data, first, grad.ndim)


def _over_the_rest(xp: Any, values: Array, parameter: Parameter, first: int) -> Array:
    """The sum along all dimensions but those that a parameter has."""
    last = first + len(parameter.shape)
    axes = (*range(first), *range(last, values.ndim))
    return xp.sum(values, axis=axes)
