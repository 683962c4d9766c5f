"""Functions of arrays, complex arrays, and what stands in for them."""

import math
from typing import Any

from handmade._array import array_namespace
from handmade._numbers import flag, members, whole
from handmade.autodiff.rules import Axes
from handmade.autodiff.traced import Traced, apply


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
        TypeError: `dim` is no dimension, or `keepdim` no flag.
        ValueError: there is no such dimension, or `dim` is empty, which NumPy and torch
            understand differently.
    """
    return _reduced("sum", x, dim, keepdim)


def amax(x: Any, dim: Axes = None, keepdim: bool = False) -> Any:
    """The largest number along dimensions, all unless given.

    At the kink:
        Equal largest numbers share the slope evenly, as in `torch.amax`.

    Raises:
        TypeError: `dim` is no dimension, or `keepdim` no flag.
        ValueError: there is no such dimension, or `dim` is empty, which NumPy and torch
            understand differently; or x holds no number.
    """
    if 0 in _shape("amax", x):
        raise ValueError(f"amax: x of shape {_shape('amax', x)} holds no number")
    return _reduced("amax", x, dim, keepdim)


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    """The same numbers in another shape; one size may be −1.

    Raises:
        TypeError: a size is no whole number.
        ValueError: there are other numbers in that shape.
    """
    sizes = tuple(whole("reshape", "each size", n, -1) for n in members(shape))
    count, known = math.prod(given := _shape("reshape", x)), abs(math.prod(sizes))
    fits = count == known if -1 not in sizes else known > 0 and count % known == 0
    if sizes.count(-1) > 1 or not fits:
        raise ValueError(f"reshape: x of shape {given} has no shape {sizes}")
    return apply("reshape", x, shape=sizes)


def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two dimensions swapped.

    Raises:
        TypeError: one of them is no whole number.
        ValueError: there is no such dimension.
    """
    dim0, dim1 = (_dim("transpose", x, dim) for dim in (dim0, dim1))
    order = list(range(len(_shape("transpose", x))))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return apply("permute_dims", x, axes=tuple(order))


def _reduced(owner: str, x: Any, dim: Axes, keepdim: bool) -> Any:
    keepdim = flag(owner, "keepdim", keepdim)
    if dim is None:
        return apply(owner, x, axis=None, keepdims=keepdim)
    dims = tuple(_dim(owner, x, d) for d in members(dim))
    if not dims or len({d % len(_shape(owner, x)) for d in dims}) < len(dims):
        raise ValueError(
            f"{owner}: dim must name a dimension, or be None for all, or name several "
            f"different ones, got {dim}"
        )
    return apply(owner, x, axis=dims, keepdims=keepdim)


def _dim(owner: str, x: Any, dim: Any) -> int:
    """`dim`, once it is known to be a dimension of x."""
    ndim = len(_shape(owner, x))
    if not -ndim <= whole(owner, "dim", dim) < ndim:
        raise ValueError(f"{owner}: x of {ndim} dimensions has no dimension {dim}")
    return int(dim)


def _shape(owner: str, x: Any) -> tuple[int, ...]:
    value = x
    while isinstance(value, Traced):  # nested derivatives
        value = value.value
    array_namespace(owner, x=value)
    return tuple(value.shape)
