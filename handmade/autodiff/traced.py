"""Traced arrays: stand-ins that record the operations applied to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from numbers import Integral, Real
from types import EllipsisType, NoneType
from typing import Any, NoReturn, Self, cast

from handmade._array import Array, array_namespace, check
from handmade._numbers import finite_number
from handmade.autodiff.rules import PRIMITIVES, Primitive

PLAIN = (Integral, slice, NoneType, EllipsisType)
"""What may stand in an index beside arrays."""


class Trace:
    """One derivative, whose function is running or has ended.

    Where derivatives are nested, the inner one starts later and has a larger number.
    """

    numbers = count()

    def __init__(self) -> None:
        self.number = next(self.numbers)
        self.ended = False


class TracedNamespace:
    """An array library, and the operations of the table, which take traced arrays.

    Args:
        xp: the array library.
    """

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        return partial(apply, name) if name in PRIMITIVES else getattr(self.xp, name)


@dataclass(frozen=True)
class Operation:
    """One operation as it was done: both ways of passing a change through it.

    Args:
        xp: the array library and the table.
        rule: of the table.
        inputs: arrays and numbers.
        y: the output.
        options: what is no array.
    """

    xp: TracedNamespace
    rule: Primitive
    inputs: list[Any]
    y: Array
    options: dict[str, Any]

    def push(self, i: int, tangent: Array) -> Array:
        """What the tangent of input i adds to that of the output."""
        return self.rule.push(self.xp, i, tangent, self.y, *self.inputs, **self.options)

    def pull(self, i: int, adjoint: Array) -> Array:
        """What the adjoint of the output adds to that of input i."""
        return self.rule.pull(self.xp, i, adjoint, self.y, *self.inputs, **self.options)


class Traced:
    """An array, and what a mode of differentiation keeps beside it.

    Args:
        value: the array; inside another derivative a traced array itself.
        trace: the derivative that it belongs to.
    """

    __array_ufunc__ = None  # array + traced: NumPy then leaves the work to __radd__

    def __init__(self, value: Array, trace: Trace) -> None:
        self.value = value
        self.trace = trace

    def carry(self, operation: Operation, inputs: tuple[Any, ...]) -> Self:
        """The output of an operation that this one is an input of."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Self:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Self:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Self:
        return apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Self:
        return apply("subtract", other, self)

    def __mul__(self, other: Any) -> Self:
        return apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Self:
        return apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Self:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return apply("divide", other, self)

    def __neg__(self) -> Self:
        return apply("multiply", self, -1)

    def __pow__(self, exponent: Any) -> Self:
        return apply("power", self, exponent=_exponent(exponent))

    def __matmul__(self, other: Any) -> Self:
        return _product(self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return _product(other, self)

    def __getitem__(self, index: Any) -> Self:
        return apply("index", self, index=_index(plain(self), index))

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(self.shape[0]))

    def __bool__(self) -> bool:
        return bool(plain(self))

    def __lt__(self, other: Any) -> Any:
        return plain(self) < plain(other)

    def __le__(self, other: Any) -> Any:
        return plain(self) <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return plain(self) > plain(other)

    def __ge__(self, other: Any) -> Any:
        return plain(self) >= plain(other)

    def __eq__(self, other: object) -> Any:
        return plain(self) == plain(other)

    def __ne__(self, other: object) -> Any:
        return plain(self) != plain(other)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            "autodiff: NumPy's functions would lose the derivative; "
            "use those of handmade.autodiff"
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The array's."""
        return self.value.ndim

    @property
    def dtype(self) -> Any:
        """The array's."""
        return self.value.dtype

    @property
    def T(self) -> Self:
        """Rows as columns."""
        if self.ndim != 2:
            raise ValueError(f"autodiff: .T needs a matrix, got shape {self.shape}")
        return apply("permute_dims", self, axes=(1, 0))


def apply(name: str, *inputs: Any, **options: Any) -> Any:
    """Do an operation of the table on arrays, numbers, and what stands for arrays.

    Of nested derivatives the innermost records it, and does it on its inputs' values,
    where the next one records it.

    Raises:
        TypeError: an input is neither, or arrays of two libraries or dtypes meet.
        ValueError: an input belongs to a derivative that has ended.
    """
    rule = PRIMITIVES[name]
    traced = [x for x in inputs if isinstance(x, Traced)]
    if not traced:
        xp = array_namespace(name, **{f"input {i}": x for i, x in enumerate(inputs)})
        for x in inputs:
            if not xp.isdtype(x.dtype, ("numeric", "bool")):
                raise TypeError(f"{name}: expected numbers, got {x.dtype}")
        return rule.value(xp, *inputs, **options)
    innermost = max(traced, key=lambda x: x.trace.number)
    _require_running(name, innermost)
    xp = check(name, **dict(_arrays(inputs)))
    values = [_value(x, innermost.trace) for x in inputs]
    nested = any(isinstance(x, Traced) for x in values)
    y = (
        apply(name, *values, **options)
        if nested
        else rule.value(xp, *values, **options)
    )
    operation = Operation(TracedNamespace(xp), rule, values, y, options)
    return innermost.carry(operation, inputs)


def belongs(x: Any, trace: Trace) -> bool:
    """Whether x is traced by this derivative."""
    return isinstance(x, Traced) and x.trace is trace


def plain(x: Any) -> Any:
    """The array itself, without any traces."""
    while isinstance(x, Traced):
        x = x.value
    return x


def result(owner: str, output: Any, trace: Trace) -> Array:
    """The value of what a function gave, and the end of its trace.

    An array is constant, and so is what an outer derivative traces.

    Raises:
        TypeError: it is no array.
        ValueError: it belongs to a derivative that has ended.
    """
    trace.ended = True
    array_namespace(owner, **{"what the function gives": plain(output)})
    if belongs(output, trace):
        return output.value
    if isinstance(output, Traced):
        _require_running(owner, output)
    return output


def copied(xp: Any, x: Array) -> Array:
    """A copy for the caller, who may change it; what is traced never changes."""
    return x if isinstance(x, Traced) else xp.asarray(x, copy=True)


def _require_running(owner: str, x: Traced) -> None:
    if x.trace.ended:
        raise ValueError(
            f"{owner}: got a value that was kept from a derivative that has ended; "
            f"return it from the function that is differentiated instead"
        )


def _value(x: Any, trace: Trace) -> Any:
    """What a trace works on: the value of its own, the rest as it is.

    A number becomes a plain one: a np.float64 would widen float32.
    """
    if belongs(x, trace):
        return x.value
    return float(x) if isinstance(x, Real) else x


def _arrays(inputs: tuple[Any, ...]) -> Iterator[tuple[str, Array]]:
    """All inputs but plain numbers, named."""
    for i, x in enumerate(inputs):
        if not isinstance(x, Real):
            yield f"input {i}", plain(x)


def _exponent(exponent: Any) -> float:
    number = finite_number("power", "the exponent", exponent)
    return int(number) if number.is_integer() else number


def _product(a: Any, b: Any) -> Any:
    """A @ b, where a vector is a row on the left and a column on the right."""
    _factors(plain(a), plain(b))
    rows = a if a.ndim > 1 else apply("reshape", a, shape=(1, a.shape[0]))
    columns = b if b.ndim > 1 else apply("reshape", b, shape=(b.shape[0], 1))
    y = apply("matmul", rows, columns)
    y = y[..., 0, :] if a.ndim == 1 else y
    return y[..., 0] if b.ndim == 1 else y


def _factors(a: Any, b: Any) -> None:
    shapes = [tuple(getattr(factor, "shape", ())) for factor in (a, b)]
    if () in shapes:
        raise ValueError(
            f"matmul: both must have at least one dimension, got shapes {shapes[0]} "
            f"and {shapes[1]}"
        )


def _index(x: Array, index: Any) -> tuple[Any, ...]:
    """The index as a tuple of whole numbers, slices, None, … and arrays of int64."""
    items = cast("tuple[Any, ...]", index if type(index) is tuple else (index,))
    for item in items:
        if isinstance(item, bool):
            raise TypeError("index: masks are not supported, got a bool")
        if isinstance(item, PLAIN):
            continue
        array: Array = item
        xp = array_namespace("index", x=x, index=array)
        if array.dtype != xp.int64:
            raise TypeError(f"index: arrays must hold int64, got {array.dtype}")
    return items if _complete(x, items) else (*items, ...)


def _complete(x: Array, items: tuple[Any, ...]) -> bool:
    """Whether nothing is left to "and all dimensions behind", which … says."""
    free = any(i is ... or hasattr(i, "shape") for i in items)
    return free or sum(i is not None for i in items) >= x.ndim
