"""Differentiation rules: value, tangent (forward) and adjoint (reverse) of operations.

A derivative is a linear map. Forward mode *pushes* a tangent ẋ through it, reverse mode
*pulls* an adjoint x̄ = ∂L/∂x back through its transpose; neither forms the matrix.

Both are written in operations of the table again, so that a derivative can be
differentiated like any other function: that gives second derivatives.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

from handmade._array import Array, device, index_add, segment_sum, zeros

Rule = Callable[..., Any]
Axes = int | tuple[int, ...] | None


class Primitive(Protocol):
    """An operation y = f(x₀, x₁, …) that the two modes know.

    `xp` is the array library, `i` says which input is meant, and `options` are what is
    no array, such as the axis of a sum. In `push` and `pull`, which may meet traced
    arrays, `xp` also has all operations of the table.
    """

    def value(self, xp: Any, *inputs: Any, **options: Any) -> Array:
        """The output y."""
        ...

    def push(
        self, xp: Any, i: int, tangent: Array, y: Array, *inputs: Any, **options: Any
    ) -> Array:
        """What the tangent of input i adds to the tangent of y."""
        ...

    def pull(
        self, xp: Any, i: int, adjoint: Array, y: Array, *inputs: Any, **options: Any
    ) -> Array:
        """What the adjoint of y adds to the adjoint of input i."""
        ...


class Elementwise:
    """A function of each number by itself; several inputs broadcast.

    Args:
        value: (xp, *inputs) → y.
        slopes: for each input (xp, y, *inputs) → ∂y/∂xᵢ of each number.
    """

    def __init__(self, value: Rule, *slopes: Rule) -> None:
        self.value = value
        self.slopes = slopes

    def push(
        self, xp: Any, i: int, tangent: Array, y: Array, *inputs: Any, **options: Any
    ) -> Array:
        """ẏ = ∂y/∂xᵢ · ẋᵢ."""
        slope = self.slopes[i](xp, y, *inputs, **options)
        return xp.broadcast_to(slope * tangent, shape=y.shape)

    def pull(
        self, xp: Any, i: int, adjoint: Array, y: Array, *inputs: Any, **options: Any
    ) -> Array:
        """x̄ᵢ = ∂y/∂xᵢ · ȳ; a number that was used often gets the sum."""
        slope = self.slopes[i](xp, y, *inputs, **options)
        return _summed_to(xp, slope * adjoint, inputs[i].shape)


class Linear:
    """A function that is its own derivative, such as a sum.

    Args:
        value: (xp, x) → y.
        transposed: (xp, ȳ, x) → x̄, the way back.
    """

    def __init__(self, value: Rule, transposed: Rule) -> None:
        self.value = value
        self.transposed = transposed

    def push(
        self, xp: Any, i: int, tangent: Array, y: Array, x: Array, **options: Any
    ) -> Array:
        """ẏ = f(ẋ)."""
        return self.value(xp, tangent, **options)

    def pull(
        self, xp: Any, i: int, adjoint: Array, y: Array, x: Array, **options: Any
    ) -> Array:
        """x̄ = fᵀ(ȳ)."""
        return self.transposed(xp, adjoint, x, **options)


class MatMul:
    """The product of matrices; what stands before the last two dimensions broadcasts.

    Forward:
        Y = A B,  Ẏ = Ȧ B + A Ḃ

    Backward:
        Ā = Ȳ Bᵀ,  B̄ = Aᵀ Ȳ
    """

    def value(self, xp: Any, a: Array, b: Array) -> Array:
        """A B."""
        return a @ b

    def push(
        self, xp: Any, i: int, tangent: Array, y: Array, a: Array, b: Array
    ) -> Array:
        """Ȧ B or A Ḃ."""
        return tangent @ b if i == 0 else a @ tangent

    def pull(
        self, xp: Any, i: int, adjoint: Array, y: Array, a: Array, b: Array
    ) -> Array:
        """Ȳ Bᵀ or Aᵀ Ȳ."""
        if i == 0:
            return _summed_to(xp, adjoint @ _matrix_transpose(xp, b), a.shape)
        return _summed_to(xp, _matrix_transpose(xp, a) @ adjoint, b.shape)


class AMax:
    """The largest number along dimensions.

    At the kink:
        Equal largest numbers share the slope evenly, as in torch's `amax`.
    """

    def value(self, xp: Any, x: Array, axis: Axes, keepdims: bool) -> Array:
        """The largest number; of complex ones, the one whose real part is largest."""
        largest = xp.max(_real(xp, x), axis=axis, keepdims=keepdims)
        if not xp.isdtype(x.dtype, "complex floating"):
            return largest
        share = self._share(xp, largest, _real(xp, x), axis)
        return xp.sum(share * x, axis=axis, keepdims=keepdims)

    def push(
        self,
        xp: Any,
        i: int,
        tangent: Array,
        y: Array,
        x: Array,
        axis: Axes,
        keepdims: bool,
    ) -> Array:
        """The mean of the winners' tangents."""
        share = self._share(xp, y, x, axis)
        return xp.sum(share * tangent, axis=axis, keepdims=keepdims)

    def pull(
        self,
        xp: Any,
        i: int,
        adjoint: Array,
        y: Array,
        x: Array,
        axis: Axes,
        keepdims: bool,
    ) -> Array:
        """To the winners, in equal parts."""
        return self._share(xp, y, x, axis) * _spread(xp, adjoint, x, axis)

    def _share(self, xp: Any, y: Array, x: Array, axis: Axes) -> Array:
        won = xp.astype(x == _spread(xp, y, x, axis), x.dtype)
        return won / xp.sum(won, axis=axis, keepdims=True)


class Scatter:
    """Puts the entries of x at an index of zeros; where several meet, they add up.

    It is the adjoint of indexing, as indexing is its own.
    """

    def value(self, xp: Any, x: Array, shape: tuple[int, ...], index: Any) -> Array:
        """Zeros of this shape, with x at the index."""
        if any(hasattr(i, "shape") for i in index):
            return self._counted(xp, x, shape, index)
        whole = zeros(shape, x)
        old_dims = tuple(i for i in index if i is not None)
        return index_add(whole, old_dims, xp.reshape(x, whole[old_dims].shape))

    def push(
        self, xp: Any, i: int, tangent: Array, y: Array, x: Array, **options: Any
    ) -> Array:
        """To the same places."""
        return xp.scatter(tangent, **options)

    def pull(
        self,
        xp: Any,
        i: int,
        adjoint: Array,
        y: Array,
        x: Array,
        shape: tuple[int, ...],
        index: Any,
    ) -> Array:
        """From the same places."""
        return adjoint[index]

    def _counted(self, xp: Any, x: Array, shape: tuple[int, ...], index: Any) -> Array:
        """For arrays of indices: assigning would lose all but one of equal indices."""
        n = math.prod(shape)
        places = xp.arange(n, dtype=xp.int64, device=device(x))
        taken = xp.reshape(xp.reshape(places, shape)[index], (-1,))
        total = segment_sum(xp.reshape(x, (-1, 1)), taken, like=zeros((n, 1), x))
        return xp.reshape(total, shape)


class Stack:
    """Arrays of one shape, side by side along a new last dimension."""

    def value(self, xp: Any, *columns: Array) -> Array:
        """Column i at [..., i]."""
        return xp.stack(columns, axis=-1)

    def push(self, xp: Any, i: int, tangent: Array, y: Array, *columns: Array) -> Array:
        """The tangent at [..., i]; no other column moves."""
        return xp.scatter(tangent, shape=tuple(y.shape), index=(..., i))

    def pull(self, xp: Any, i: int, adjoint: Array, y: Array, *columns: Array) -> Array:
        """The adjoint's column i."""
        return adjoint[..., i]


def _unary(
    value: Callable[[Any, Any], Any], slope: Callable[[Any, Any, Any], Any]
) -> Elementwise:
    """A function of one array: (xp, x) → y, and (xp, y, x) → its slope."""
    return Elementwise(value, slope)


def _binary(
    value: Callable[[Any, Any, Any], Any],
    slope_a: Callable[[Any, Any, Any, Any], Any],
    slope_b: Callable[[Any, Any, Any, Any], Any],
) -> Elementwise:
    """An operator: (xp, a, b) → y, and (xp, y, a, b) → the slope by a and by b."""
    return Elementwise(value, slope_a, slope_b)


def _relu(xp: Any, x: Array) -> Array:
    """Of a complex number, the real part decides."""
    return xp.where(_real(xp, x) < 0, xp.zeros_like(x), x)


def _power(xp: Any, x: Array, exponent: float) -> Array:
    return x**exponent


def _power_slope(xp: Any, y: Array, x: Array, exponent: float) -> Array:
    """The slope n xⁿ⁻¹; x⁰ is flat at 0 too, where the formula would divide by 0."""
    return exponent * x ** (exponent - 1) if exponent else 0


def _sum(xp: Any, x: Array, axis: Axes, keepdims: bool) -> Array:
    return xp.sum(x, axis=axis, keepdims=keepdims)


def _spread_sum(xp: Any, adjoint: Array, x: Array, axis: Axes, keepdims: bool) -> Array:
    return _spread(xp, adjoint, x, axis)


def _taken(xp: Any, x: Array, index: Any) -> Array:
    return x[index]


def _put_back(xp: Any, adjoint: Array, x: Array, index: Any) -> Array:
    return xp.scatter(adjoint, shape=tuple(x.shape), index=index)


def _reshaped(xp: Any, x: Array, shape: tuple[int, ...]) -> Array:
    return xp.reshape(x, shape=shape)


def _reshaped_back(xp: Any, adjoint: Array, x: Array, shape: tuple[int, ...]) -> Array:
    return xp.reshape(adjoint, shape=tuple(x.shape))


def _permuted(xp: Any, x: Array, axes: tuple[int, ...]) -> Array:
    return xp.permute_dims(x, axes=axes)


def _permuted_back(xp: Any, adjoint: Array, x: Array, axes: tuple[int, ...]) -> Array:
    return xp.permute_dims(adjoint, axes=tuple(map(axes.index, range(len(axes)))))


def _broadcast(xp: Any, x: Array, shape: tuple[int, ...]) -> Array:
    return xp.broadcast_to(x, shape=shape)


def _broadcast_back(xp: Any, adjoint: Array, x: Array, shape: tuple[int, ...]) -> Array:
    return _summed_to(xp, adjoint, x.shape)


def _matrix_transpose(xp: Any, x: Array) -> Array:
    last = x.ndim - 1
    return xp.permute_dims(x, axes=(*range(last - 1), last, last - 1))


def _real(xp: Any, x: Array) -> Array:
    return xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x


def _spread(xp: Any, reduced: Array, x: Array, axis: Axes) -> Array:
    """What was reduced along `axis`, as large as x again."""
    dims = (axis,) if isinstance(axis, int) else range(x.ndim) if axis is None else axis
    reduced_dims = {d % x.ndim for d in dims}
    kept = [1 if d in reduced_dims else size for d, size in enumerate(x.shape)]
    return xp.broadcast_to(xp.reshape(reduced, shape=tuple(kept)), shape=x.shape)


def _summed_to(xp: Any, array: Array, shape: tuple[int, ...]) -> Array:
    """The adjoint of broadcasting: the sum over repeated dimensions."""
    more = array.ndim - len(shape)
    repeated = [more + d for d, n in enumerate(shape) if n != array.shape[more + d]]
    if not (dims := (*range(more), *repeated)):
        return array
    return xp.reshape(xp.sum(array, axis=dims, keepdims=False), shape=tuple(shape))


PRIMITIVES: dict[str, Primitive] = {
    "add": _binary(
        lambda xp, a, b: a + b,
        lambda xp, y, a, b: 1,
        lambda xp, y, a, b: 1,
    ),
    "subtract": _binary(
        lambda xp, a, b: a - b,
        lambda xp, y, a, b: 1,
        lambda xp, y, a, b: -1,
    ),
    "multiply": _binary(
        lambda xp, a, b: a * b,
        lambda xp, y, a, b: b,
        lambda xp, y, a, b: a,
    ),
    "divide": _binary(
        lambda xp, a, b: a / b,
        lambda xp, y, a, b: 1 / b,
        lambda xp, y, a, b: -y / b,
    ),
    "exp": _unary(lambda xp, x: xp.exp(x), lambda xp, y, x: y),
    "log": _unary(lambda xp, x: xp.log(x), lambda xp, y, x: 1 / x),
    "sin": _unary(lambda xp, x: xp.sin(x), lambda xp, y, x: xp.cos(x)),
    "cos": _unary(lambda xp, x: xp.cos(x), lambda xp, y, x: -xp.sin(x)),
    "tanh": _unary(lambda xp, x: xp.tanh(x), lambda xp, y, x: 1 - y * y),
    "sqrt": _unary(lambda xp, x: xp.sqrt(x), lambda xp, y, x: 0.5 / y),
    # At the kink the slope is 0, at NaN it is 1: as torch's.
    "relu": _unary(_relu, lambda xp, y, x: xp.astype(~(y <= 0), y.dtype)),
    "power": Elementwise(_power, _power_slope),
    "matmul": MatMul(),
    "sum": Linear(_sum, _spread_sum),
    "amax": AMax(),
    "index": Linear(_taken, _put_back),
    "scatter": Scatter(),
    "stack": Stack(),
    "reshape": Linear(_reshaped, _reshaped_back),
    "permute_dims": Linear(_permuted, _permuted_back),
    "broadcast_to": Linear(_broadcast, _broadcast_back),
}
"""Value, and slope by each input, side by side."""
