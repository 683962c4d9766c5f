"""The one place that asks which array library an array belongs to."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar

import array_api_compat as _array_api_compat
import numpy as np

array_api_compat: Any = _array_api_compat  # untyped in parts
NumPyArray: Any = np.ndarray  # of unknown dtype

P = ParamSpec("P")
T = TypeVar("T")
Array: TypeAlias = Any
"""An array of NumPy, torch (CPU or CUDA), or any library of the array API standard."""

_KNOWN: dict[tuple[type, Any], tuple[Any, str]] = {}
"""(type, dtype) → (namespace, kind of number): a look-up in 0.1 µs, not 0.7."""

_FLOATING: dict[tuple[type, Any], Any] = {}
"""Of these the floating ones: (type, dtype) → namespace."""


def _lookup(owner: str, name: str, array: Array) -> tuple[Any, str]:
    kind: Any = (type(array), getattr(array, "dtype", None))
    if kind not in _KNOWN:
        if issubclass(kind[0], np.ndarray) and kind[0] is not np.ndarray:
            raise TypeError(
                f"{owner}: {name} must be a plain numpy.ndarray, got its subclass "
                f"{kind[0].__name__}, whose operators mean something else"
            )
        if not array_api_compat.is_array_api_obj(array):
            raise TypeError(
                f"{owner}: {name} must be an array (NumPy or torch), "
                f"got {type(array).__name__}"
            )
        xp = array_api_compat.array_namespace(array)
        _KNOWN[kind] = xp, _kind_of(xp, array.dtype)
        if _KNOWN[kind][1] == "floating":
            _FLOATING[kind] = xp
    return _KNOWN[kind]


def _kind_of(xp: Any, dtype: Any) -> str:
    """Of the kinds of numbers those that matter: "floating" is float32 or float64."""
    if dtype in (xp.float32, xp.float64):
        return "floating"
    return "integral" if xp.isdtype(dtype, "integral") else ""


def array_namespace(owner: str, /, **arrays: Array) -> Any:
    """The array library that all `arrays` belong to.

    Args:
        owner: who asks, for the error message.
        arrays: the arrays by the names that their caller knows them by.

    Raises:
        TypeError: one of them is no array or a subclass of numpy.ndarray (masked
            arrays, matrices), or they come from different libraries.
    """
    xp = None
    for array in arrays.values():
        kind: Any = type(array), getattr(array, "dtype", None)
        found = _KNOWN.get(kind)
        if found is None or (xp is not None and xp is not found[0]):
            return _common_namespace(owner, arrays)
        xp = found[0]
    return xp


def _common_namespace(owner: str, arrays: dict[str, Array]) -> Any:
    """As `array_namespace`, with a look at each array."""
    found = [_lookup(owner, name, array)[0] for name, array in arrays.items()]
    if found.count(found[0]) < len(found):
        names, other = list(arrays), next(xp for xp in found if xp is not found[0])
        first, name = names[0], names[found.index(other)]
        raise TypeError(
            f"{owner}: {first} is a {_kind(arrays[first])}, but {name} is a "
            f"{_kind(arrays[name])}; give both as arrays of one library"
        )
    return found[0]


def floating_namespace(owner: str, /, **arrays: Array) -> Any:
    """As `array_namespace`, for arrays that are all float32 or all float64.

    Each function asks it in each step: of arrays of one known kind it says so at once.

    Raises:
        TypeError: also for any other dtype (integers, booleans, complex numbers,
            float16, bfloat16), and when two dtypes differ (torch would raise, NumPy
            would silently widen).
    """
    xp = first = None
    for array in arrays.values():
        kind: Any = type(array), getattr(array, "dtype", None)
        if first is None:
            first, xp = kind, _FLOATING.get(kind)
        if xp is None or kind != first:
            return _checked_namespace(owner, arrays)
    return xp


def _checked_namespace(owner: str, arrays: dict[str, Array]) -> Any:
    """As `floating_namespace`, one array after the other."""
    xp = array_namespace(owner, **arrays)
    (first, reference), *others = arrays.items()
    if _KNOWN[type(reference), reference.dtype][1] != "floating":
        raise TypeError(
            f"{owner}: {first} must hold floating-point numbers, float32 or float64, "
            f"got {reference.dtype}"
        )
    for name, array in others:
        if array.dtype != reference.dtype:
            raise TypeError(
                f"{owner}: {first} is {reference.dtype}, but {name} is {array.dtype}; "
                f"give both in one dtype"
            )
    return xp


def namespace_if_alike(a: Array, b: Array, shape: tuple[int, ...]) -> Any:
    """The library of two floating arrays of one kind, if b has this shape; else None.

    The quick answer: who gets None asks the others, which say what does not fit.
    """
    kind: Any = type(a), getattr(a, "dtype", None)
    xp = _FLOATING.get(kind)
    if xp is None or type(b) is not type(a) or b.dtype != a.dtype:
        return None
    return xp if b.shape == shape else None


def gradient_namespace(
    owner: str, x: Array, grad_output: Array, shape: tuple[int, ...] | None = None
) -> Any:
    """The namespace, once `grad_output` is of x's kind and of the output's shape.

    Args:
        owner: who asks, for the error message.
        x: what forward was given, or made of it.
        grad_output: the gradient by the output.
        shape: of the output; x's unless given.

    Raises:
        TypeError: its library or its dtype is another.
        ValueError: its shape is another.
    """
    wanted: Any = x.shape if shape is None else shape
    xp = namespace_if_alike(x, grad_output, wanted)
    if xp is None:
        xp = floating_namespace(owner, x=x, grad_output=grad_output)
        require_shape(owner, "grad_output", grad_output, wanted)
    return xp


def require_shape(owner: str, name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Refuse `array` unless it has exactly `shape`: nothing broadcasts by accident.

    Raises:
        ValueError: the shapes differ; both are named.
    """
    if array.shape != shape and tuple(array.shape) != tuple(shape):
        raise ValueError(
            f"{owner}: {name} must have shape {tuple(shape)}, got {tuple(array.shape)}"
        )


def require_like(owner: str, name: str, array: Array, data: Array) -> None:
    """Refuse `array` unless it has the library, the dtype and the shape of `data`.

    Raises:
        TypeError: the libraries or the dtypes differ.
        ValueError: the shapes differ.
    """
    same = type(array) is type(data) and array.dtype == data.dtype
    if same and array.shape == data.shape:  # nearly always, and quick to see
        return
    floating_namespace(owner, data=data, **{name: array})
    require_shape(owner, name, array, data.shape)


def is_integral(array: Array) -> bool:
    """Whether `array` holds whole numbers."""
    return _lookup("is_integral", "array", array)[1] == "integral"


def is_count(array: Array) -> bool:
    """Whether `array` is one whole number, as a number of batches is."""
    return is_integral(array) and array.ndim == 0


_compiling = False
_writing_copies = False


def known(condition: Array) -> bool:
    """Whether `condition` holds, if that may be asked; False while compiling."""
    return not _compiling and bool(condition)


def is_compiling() -> bool:
    """Whether a compiler traces the step: arrays stand for numbers nobody knows yet."""
    return _compiling


def writing_copies() -> bool:
    """Whether a compiler copies a whole array for each write into a part of it."""
    return _writing_copies


def unwarned(function: Callable[P, T]) -> Callable[P, T]:
    """`function`, in which NumPy makes Inf and NaN without a warning."""
    quiet: Callable[P, T] = np.errstate(all="ignore")(function)

    @wraps(function)
    def chosen(*args: P.args, **kwargs: P.kwargs) -> T:
        # Compilers know no warnings, nor how to trace their settings.
        return (function if _compiling else quiet)(*args, **kwargs)

    return chosen


@contextmanager
def compiling(*, writing_copies: bool = False) -> Generator[None]:
    """Look at no values: a step that a compiler traces, or a graph records, has none.

    Shapes and dtypes are checked as ever.

    Args:
        writing_copies: whether a write into a part of an array costs a copy of it: in
            the loops that torch's compiler makes it does.
    """
    global _compiling, _writing_copies
    before = _compiling, _writing_copies
    _compiling, _writing_copies = True, writing_copies
    try:
        yield
    finally:
        _compiling, _writing_copies = before


def summed(array: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The sum along `axis`, or of all: as `xp.sum`, at half its price where small."""
    if isinstance(array, NumPyArray):
        return np.add.reduce(array, axis=axis, keepdims=keepdims)
    if hasattr(array, "sum"):
        return array.sum(axis=axis, keepdims=keepdims)
    xp = array_namespace("summed", array=array)
    return xp.sum(array, axis=axis, keepdims=keepdims)


def largest(array: Array, axis: Any = None, *, keepdims: bool = False) -> Array:
    """The maximum along `axis`, or of all; as `summed`."""
    if isinstance(array, NumPyArray):
        return np.maximum.reduce(array, axis=axis, keepdims=keepdims)
    xp = array_namespace("largest", array=array)
    return xp.max(array, axis=axis, keepdims=keepdims)


def how_many(mask: Array) -> Any:
    """How many of `mask` are true; as `summed`."""
    if isinstance(mask, NumPyArray):
        return np.count_nonzero(mask)
    return array_namespace("how_many", mask=mask).count_nonzero(mask)


def counted_to(n: int, like: Array) -> Array:
    """0 … n − 1 in int64, where `like` lies; as `summed`."""
    if isinstance(like, NumPyArray):
        return np.arange(n)
    xp = array_namespace("counted_to", like=like)
    return xp.arange(n, dtype=xp.int64, device=array_api_compat.device(like))


def positive_part(x: Array) -> Array:
    """max(0, x) by whichever name costs its library least."""
    if isinstance(x, NumPyArray):
        return np.maximum(x, 0.0)
    return floating_namespace("positive_part", x=x).clip(x, 0.0, None)


def placed(array: Array, first: int, ndim: int) -> Array:
    """`array` with dimensions of size 1 around its own, which start at `first`."""
    after = ndim - first - array.ndim
    return array[(None,) * first + (slice(None),) * array.ndim + (None,) * after]


def added_at(whole: Array, at: Any, part: Array) -> Array:
    """`whole` with `part` added at an index: in place, unless its library never does.

    Only for arrays that nobody else has seen yet.
    """
    if hasattr(whole, "at"):  # JAX's arrays do not change
        return whole.at[at].add(part)
    whole[at] += part
    return whole


def converted(array: Array, like: Array) -> Array:
    """A copy of an array in the library, dtype and device of the floating `like`.

    A count stays one: it becomes int64. A torch tensor is detached: what is copied has
    no autograd history.

    Raises:
        TypeError: `array` is neither float32 nor float64 nor a count, or `like` is
            neither float32 nor float64.
    """
    counts = is_count(array)
    if not counts:
        floating_namespace("conversion", array=array)
    xp = floating_namespace("conversion", like=like)
    dtype = xp.int64 if counts else like.dtype
    to_torch: bool = array_api_compat.is_torch_array(like)
    if hasattr(array, "detach"):
        # torch's own __array__ knows neither copy=True nor CUDA.
        array = array.detach() if to_torch else array.numpy(force=True)
    elif to_torch:
        array = np.array(array, order="C")  # torch takes no negative strides
    device = array_api_compat.device(like)
    return xp.asarray(array, dtype=dtype, device=device, copy=True)


def _kind(array: Array) -> str:
    return f"{type(array).__module__.partition('.')[0]}.{type(array).__name__}"
