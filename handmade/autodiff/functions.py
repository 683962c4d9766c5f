"""Functions of arrays, complex arrays, and what stands in for them."""

from typing import Any

from handmade.autodiff.rules import Axes
from handmade.autodiff.traced import apply


def exp(x: Any) -> Any:
    """The exponential function, its own derivative."""
    return apply("exp", x)


def log(x: Any) -> Any:
    """The natural logarithm; its slope is 1/x."""
    return apply("log", x)


def sin(x: Any) -> Any:
    """The sine; its slope is cos x."""
    return apply("sin", x)


def cos(x: Any) -> Any:
    """The cosine; its slope is −sin x."""
    return apply("cos", x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent y; its slope is 1 − y²."""
    return apply("tanh", x)


def sqrt(x: Any) -> Any:
    """The square root y; its slope is 1/(2y)."""
    return apply("sqrt", x)


def relu(x: Any) -> Any:
    """max(0, x); its slope at 0 is 0, and at NaN 1, so that NaN is not lost."""
    return apply("relu", x)


def sum(x: Any, dim: Axes = None, keepdim: bool = False) -> Any:
    """The sum over dimensions, all unless given.

    Raises:
        ValueError: `dim` is empty, which NumPy and torch understand differently.
    """
    return apply("sum", x, axis=_dims("sum", dim), keepdims=keepdim)


def amax(x: Any, dim: Axes = None, keepdim: bool = False) -> Any:
    """The largest number along dimensions, all unless given.

    At the kink:
        Equal largest numbers share the slope evenly, as in `torch.amax`.

    Raises:
        ValueError: `dim` is empty, which NumPy and torch understand differently.
    """
    return apply("amax", x, axis=_dims("amax", dim), keepdims=keepdim)


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    """The same numbers in another shape; one size may be −1."""
    return apply("reshape", x, shape=shape)


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions swapped."""
    order = list(range(x.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return apply("permute_dims", x, axes=tuple(order))


def _dims(owner: str, dim: Axes) -> Axes:
    if dim == ():
        raise ValueError(f"{owner}: dim must name a dimension, or be None for all")
    return dim
