"""Array libraries: which one an array belongs to, and whether arrays fit together.

Each function begins with a check of one line, which gives it the library, `xp`:

    xp = check(self, x=x, weight=self.weight.data)      floating-point, of one kind
    xp = check_grad(self, grad_output, y)               as y, in shape, too
    xp = array_namespace(self, x=x)                     of any dtype
"""

import math
from collections.abc import Iterable
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeAlias

import array_api_compat as _array_api_compat
import numpy as np

array_api_compat: Any = _array_api_compat  # untyped in parts
NumPyArray: Any = np.ndarray  # of unknown dtype

Array: TypeAlias = Any
"""An array of NumPy, torch (CPU or CUDA), or any library of the array API standard."""
Owner: TypeAlias = Any
"""Whose arguments are checked, for the error message: an object, or a name."""

_KNOWN: dict[tuple[type, Any], tuple[Any, str]] = {}
"""(type, dtype) → (namespace, kind of number): a look-up in 0.1 µs, not 0.7."""
_FLOATING: dict[tuple[type, Any], Any] = {}
"""Of these the floating ones: (type, dtype) → namespace."""


def check(owner: Owner, /, **arrays: Array) -> Any:
    """The array library of arrays that are all float32, or all float64.

    Layers with `takes_half` may be given all float16, or all bfloat16, too.

    Args:
        owner: whose arguments they are, for the error message.
        arrays: by name, for the error message.

    Raises:
        TypeError: one of them is no array or a subclass of numpy.ndarray (masked
            arrays, matrices), its dtype is another (integers, booleans, complex
            numbers, float16, bfloat16), or two differ in library or dtype (torch
            would raise, NumPy would silently widen).
    """
    xp = first = None
    for array in arrays.values():
        kind: Any = type(array), getattr(array, "dtype", None)
        if first is None:
            first, xp = kind, _FLOATING.get(kind)
        if xp is None or kind != first:
            return _checked(owner, arrays)
    return xp


def check_grad(
    owner: Owner, grad_output: Array, like: Array, shape: tuple[int, ...] | None = None
) -> Any:
    """The array library of a gradient that fits the output it belongs to.

    Args:
        owner: whose argument it is, for the error message.
        grad_output: the gradient.
        like: an array of the output's library and dtype.
        shape: the output's; that of `like` unless given.

    Raises:
        TypeError: its library or dtype is another.
        ValueError: its shape is another: nothing broadcasts by accident.
    """
    return check_alike(owner, like, grad_output, shape, ("x", "grad_output"))


def check_alike(
    owner: Owner,
    a: Array,
    b: Array,
    shape: tuple[int, ...] | None = None,
    names: tuple[str, str] = ("input", "target"),
) -> Any:
    """As `check`, of two arrays, the second of which has the shape of the first."""
    try:
        xp, dtype = _FLOATING[type(a), a.dtype], a.dtype
        wanted: Any = a.shape if shape is None else shape
        if type(b) is type(a) and b.dtype == dtype and b.shape == wanted:
            return xp
    except (AttributeError, KeyError):  # not an array, or the first of its kind
        pass
    xp = check(owner, **dict(zip(names, (a, b), strict=True)))
    require_shape(owner, names[1], b, a.shape if shape is None else shape)
    return xp


def array_namespace(owner: Owner, /, **arrays: Array) -> Any:
    """The array library that all `arrays`, of any dtype, belong to.

    Raises:
        TypeError: one of them is no array or a subclass of numpy.ndarray, or they come
            from different libraries.
    """
    xp = None
    for array in arrays.values():
        kind: Any = type(array), getattr(array, "dtype", None)
        found = _KNOWN.get(kind)
        if found is None or (xp is not None and xp is not found[0]):
            return _common_namespace(owner, arrays)
        xp = found[0]
    return xp


def require_shape(
    owner: Owner, name: str, array: Array, shape: tuple[int, ...]
) -> None:
    """Refuse `array` unless it has exactly `shape`.

    Raises:
        ValueError: the shapes differ; both are named.
    """
    given = getattr(array, "shape", None)
    if given != shape and not (isinstance(given, tuple) and given == tuple(shape)):
        words = tuple(given) if isinstance(given, tuple) else type(array).__name__  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        raise ValueError(
            f"{name_of(owner)}: {name} must have shape {tuple(shape)}, got {words}"
        )


def name_of(owner: Owner) -> str:
    """The class name of an object; a string is returned unchanged."""
    return owner if isinstance(owner, str) else type(owner).__name__


def holds(condition: Array) -> bool:
    """Whether a condition on the values of arrays holds.

    A compiler traces a step before there are values: `compare.compile` then puts
    another function in the place of this one.
    """
    return bool(condition)


def _common_namespace(owner: Owner, arrays: dict[str, Array]) -> Any:
    """As `array_namespace`, checking each array."""
    found = [_lookup(owner, name, array)[0] for name, array in arrays.items()]
    if found.count(found[0]) < len(found):
        names, other = list(arrays), next(xp for xp in found if xp is not found[0])
        first, name = names[0], names[found.index(other)]
        raise TypeError(
            f"{name_of(owner)}: {first} is a {_kind(arrays[first])}, but {name} is a "
            f"{_kind(arrays[name])}; give both as arrays of one library"
        )
    return found[0]


def _checked(owner: Owner, arrays: dict[str, Array]) -> Any:
    """As `check`, one array after the other."""
    xp = array_namespace(owner, **arrays)
    (first, reference), *others = arrays.items()
    kinds = ["floating"] + ["half"] * getattr(owner, "takes_half", False)
    if _KNOWN[type(reference), reference.dtype][1] not in kinds:
        raise TypeError(
            f"{name_of(owner)}: {first} must hold floating-point numbers, float32 or "
            f"float64, got {reference.dtype}"
        )
    for name, array in others:
        if array.dtype != reference.dtype:
            raise TypeError(
                f"{name_of(owner)}: {first} is {reference.dtype}, but {name} is "
                f"{array.dtype}; give both in one dtype"
            )
    return xp


def _lookup(owner: Owner, name: str, array: Array) -> tuple[Any, str]:
    kind: Any = (type(array), getattr(array, "dtype", None))
    if kind not in _KNOWN:
        if issubclass(kind[0], np.ndarray) and kind[0] is not np.ndarray:
            raise TypeError(
                f"{name_of(owner)}: {name} must be a plain numpy.ndarray, got its "
                f"subclass {kind[0].__name__}, whose operators mean something else"
            )
        if isinstance(array, type) or not array_api_compat.is_array_api_obj(array):
            raise TypeError(
                f"{name_of(owner)}: {name} must be an array (NumPy or torch), "
                f"got {type(array).__name__}"
            )
        xp = _quick(array_api_compat.array_namespace(array))
        _KNOWN[kind] = xp, _kind_of(xp, array.dtype)
        if _KNOWN[kind][1] == "floating":
            _FLOATING[kind] = xp
    return _KNOWN[kind]


def _kind_of(xp: Any, dtype: Any) -> str:
    """The kind of a dtype.

    "floating" (float32 or float64), "half" (float16 or bfloat16), "integral" or "".
    """
    if dtype in (xp.float32, xp.float64):
        return "floating"
    if dtype in [getattr(xp, name, None) for name in ("float16", "bfloat16")]:
        return "half"
    return "integral" if xp.isdtype(dtype, "integral") else ""


@cache
def _quick(xp: Any) -> Any:
    """The namespace with faster versions of what is slow for small arrays."""
    own = {"array_api_compat.numpy": _NUMPY, "array_api_compat.torch": _TORCH}
    found = own.get(xp.__name__)
    return SimpleNamespace(**{**vars(xp), **found}) if found else xp


def _sum(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    if x.dtype == np.float16:  # NumPy would round after each number, torch does not
        return np.add.reduce(x, axis, np.float32, keepdims=keepdims).astype(x.dtype)
    return np.add.reduce(x, axis=axis, keepdims=keepdims)


def _max(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    return np.maximum.reduce(x, axis=axis, keepdims=keepdims)


def _clip(x: Array, low: Any, high: Any) -> Array:
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _arange(n: int, *, dtype: Any = None, device: Any = None) -> Array:
    return np.arange(n, dtype=dtype)


def _clip_tensor(x: Array, low: Any, high: Any) -> Array:
    return x.clip(low, high)


_NUMPY: dict[str, Any] = {
    "sum": _sum,
    "max": _max,
    "clip": _clip,
    "arange": _arange,
    "count_nonzero": np.count_nonzero,
}
_TORCH: dict[str, Any] = {"clip": _clip_tensor}


def is_integral(array: Array, owner: Owner = "is_integral", name: str = "x") -> bool:
    """Whether the dtype is an integer type."""
    return _lookup(owner, name, array)[1] == "integral"


def device(array: Array) -> Any:
    """The device of an array; None for NumPy."""
    return None if isinstance(array, NumPyArray) else array_api_compat.device(array)


def is_count(array: Array) -> bool:
    """Whether `array` is a single integer, such as a batch count."""
    return is_integral(array) and array.ndim == 0


def zeros(shape: tuple[int, ...], like: Array) -> Array:
    """Zeros in the dtype, on the device and, where it fits, in the layout of `like`."""
    xp = array_namespace("zeros", like=like)
    if tuple(like.shape) == shape:
        return xp.zeros_like(like)
    return xp.zeros(shape, dtype=like.dtype, device=device(like))


def pad(x: Array, axis: int, ends: Iterable[tuple[int, ...]], fill: float) -> Array:
    """Pad each dimension from `axis` on with (before, after) entries."""
    xp = array_namespace("pad", x=x)
    for dimension, (before, after) in enumerate(ends, start=axis):
        if before or after:
            first, last = (
                xp.full(
                    (*x.shape[:dimension], n, *x.shape[dimension + 1 :]),
                    fill,
                    dtype=x.dtype,
                    device=device(x),
                )
                for n in (before, after)
            )
            x = xp.concat([first, x, last], axis=dimension)
    return x


def index_add(whole: Array, at: Any, part: Array | complex) -> Array:
    """Add `part` to `whole` at an index: in place where the library allows it.

    Only for arrays that the caller owns.
    """
    if hasattr(whole, "at"):  # JAX's arrays do not change
        return whole.at[at].add(part)
    whole[at] += part
    return whole


def segment_sum(rows: Array, index: Array, like: Array) -> Array:
    """Row i of the result, an array as `like`, is the sum of all rows whose index is i.

    No product with 0 is formed, so that an infinite row stays in its place.

    Args:
        rows: (n, c).
        index: (n,) int64.
        like: (r, c).
    """
    shape: tuple[int, ...] = tuple(like.shape)
    if isinstance(like, NumPyArray):  # quickest in one dimension
        places = index[:, None] * shape[1] + np.arange(shape[1])
        total = np.zeros(math.prod(shape), rows.dtype)
        np.add.at(total, places.reshape(-1), rows.reshape(-1))
        return total.reshape(shape)
    total = zeros(shape, like)
    if hasattr(total, "index_add"):  # torch
        return total.index_add(0, index, rows)
    if hasattr(total, "at"):  # JAX
        return total.at[index].add(rows)
    for n in range(rows.shape[0]):
        total[int(index[n]), ...] += rows[n, ...]
    return total


def converted(array: Array, like: Array) -> Array:
    """Copy an array to the library, dtype and device of the floating-point `like`.

    A count stays one: it becomes int64. A torch tensor is detached: what is copied has
    no autograd history.

    Raises:
        TypeError: `array` is neither float32 nor float64 nor a count, or `like` is
            neither float32 nor float64.
    """
    counts = is_count(array)
    if not counts:
        check("conversion", array=array)
    xp = check("conversion", like=like)
    dtype = xp.int64 if counts else like.dtype
    to_torch: bool = array_api_compat.is_torch_array(like)
    if hasattr(array, "detach"):
        # torch's own __array__ knows neither copy=True nor CUDA.
        array = array.detach() if to_torch else array.numpy(force=True)
    elif to_torch:
        array = np.array(array, order="C")  # torch takes no negative strides
    return xp.asarray(array, dtype=dtype, device=device(like), copy=True)


def _kind(array: Array) -> str:
    return f"{type(array).__module__.partition('.')[0]}.{type(array).__name__}"
