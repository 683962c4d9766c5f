"""Flattening of dimensions."""

import math

from handmade._array import Array, array_namespace, check_grad
from handmade._numbers import whole
from handmade.nn.module import Module


class Flatten(Module):
    """Joins neighbouring dimensions into one.

    Shape:
        x (n, a, b, …) → y (n, a·b·…) by default; a single number () → (1,) with
        start_dim 0.

    Args:
        start_dim: the first dimension to join.
        end_dim: the last one, inclusive; negative counts from the end.

    Torch:
        `torch.nn.Flatten`.
    """

    takes_half = True

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = whole("Flatten", "start_dim", start_dim)
        self.end_dim = whole("Flatten", "end_dim", end_dim)

    def forward(self, x: Array) -> Array:
        xp = array_namespace(self, x=x)
        self.saved = x
        return xp.reshape(x, self._flat(tuple(x.shape)))

    def backward(self, grad_output: Array) -> Array:
        x = self.saved
        xp = check_grad(self, grad_output, x, self._flat(tuple(x.shape)))
        return xp.reshape(grad_output, x.shape)

    def _flat(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        ndim = max(len(shape), 1)
        start = self.start_dim + ndim * (self.start_dim < 0)
        end = self.end_dim + ndim * (self.end_dim < 0)
        if not 0 <= start <= end < ndim:
            raise ValueError(
                f"Flatten: start_dim {self.start_dim} to end_dim {self.end_dim} "
                f"is no range of dimensions of x of shape {shape}"
            )
        return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])
