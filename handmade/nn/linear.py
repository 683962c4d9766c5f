"""Linear and Identity layers."""

import math
from typing import Any

from handmade._array import Array, array_namespace, check, check_grad
from handmade._numbers import flag, whole
from handmade._random import uniform
from handmade.nn.module import Module, Parameter


class Identity(Module):
    """The input, unchanged.

    Forward:
        y = x

    Backward:
        ∂L/∂x = ∂L/∂y

    Torch:
        `torch.nn.Identity`, which also takes arguments and ignores them; none here.
    """

    takes_half = True

    def forward(self, x: Array) -> Array:
        array_namespace(self, x=x)
        self.saved = x
        return x

    def backward(self, grad_output: Array) -> Array:
        check_grad(self, grad_output, self.saved)
        return grad_output


class Linear(Module):
    """Fully connected layer: y = x Wᵀ + b.

    Forward:
        y = x Wᵀ + b

    Backward:
        ∂L/∂x = ∂L/∂y W        (n, i) = (n, o) (o, i)
        ∂L/∂W = ∂L/∂yᵀ x       (o, i) = (o, n) (n, i)
        ∂L/∂b = Σₙ ∂L/∂y       (o,)   = sum of (n, o) over n

    Shape:
        x (…, i), W (o, i), b (o,), y (…, o): i inputs, o outputs; all leading
        dimensions together are the n examples.

    Args:
        in_features: i, at least 1.
        out_features: o, at least 1.
        bias: without it, b is absent and `bias` is None.

    Torch:
        `torch.nn.Linear`: same layout, same default initialisation
        U(-1/√i, 1/√i). i = 0 or o = 0 raises ValueError here.
    """

    takes_half = True

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features = whole("Linear", "in_features", in_features, 1)
        self.out_features = whole("Linear", "out_features", out_features, 1)
        bound = 1 / math.sqrt(in_features)
        self.weight = Parameter(uniform(-bound, bound, (out_features, in_features)))
        self.bias = (
            Parameter(uniform(-bound, bound, (out_features,)))
            if flag("Linear", "bias", bias)
            else None
        )

    def forward(self, x: Array) -> Array:
        check(self, x=x, weight=self.weight.data)
        require_features(self, x, self.in_features)
        y = x @ self.weight.data.T
        if self.bias is not None:
            y += self.bias.data
        self.saved = x, y.shape
        return y

    def backward(self, grad_output: Array) -> Array | None:
        x, shape = self.saved
        xp = check_grad(self, grad_output, x, shape)
        rows = as_matrix(xp, grad_output)
        self.weight.accumulate(rows.T @ as_matrix(xp, x))
        if self.bias is not None:
            self.bias.accumulate(xp.sum(rows, axis=0))
        return grad_output @ self.weight.data if self.needs_input_grad else None


def require_features(layer: Module, x: Array, in_features: int) -> None:
    """Refuse x unless its last dimension has this size."""
    if x.ndim == 0 or x.shape[-1] != in_features:
        raise ValueError(
            f"{type(layer).__name__}: the last dimension of x must be in_features = "
            f"{in_features}, got x of shape {tuple(x.shape)}"
        )


def as_matrix(xp: Any, a: Array) -> Array:
    """(…, c) as (n, c): one example a row."""
    return a if a.ndim == 2 else xp.reshape(a, (math.prod(a.shape[:-1]), a.shape[-1]))
