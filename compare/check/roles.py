"""What each argument of a pass is given, and what a pass returns, by name.

The role of an argument says what it is given: x, target, a parameter, g (the upstream
gradient), cache, y (the output), lr, options …
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.check.definitions import Definition, Form, NotTested, plain
from compare.check.parameters import giver, gradient_words
from compare.check.results import NoNumbers
from compare.testing.reference import Question


def copied(array: np.ndarray) -> np.ndarray:
    """A copy with gaps in memory where the original has gaps."""
    if array.flags.c_contiguous:
        return array.copy()
    return np.repeat(array, 2, axis=-1)[..., ::2]


def in_rows(array: Any, form: Form) -> Any:
    """An output or a gradient by the input with the examples in rows."""
    return array.T if form.columns and getattr(array, "ndim", 0) == 2 else array


def usual_roles(question: Question, definition: Definition) -> tuple[str, ...]:
    """What a forward pass is given, in torch's order."""
    target = ["target"] * (len(question.inputs) > 1)
    state = [] if definition.is_class else question.state
    return ("x", *question.further, *target, *state)


def values_of(
    form: Form, question: Question, inputs: list[np.ndarray]
) -> dict[str, Any]:
    """Everything that a forward pass may be given, by its role."""
    x, *others = inputs
    arrays = {name: in_rows(a, form).copy() for name, a in question.further.items()}
    arrays["x"] = in_rows(x, form)
    if others:
        arrays["target"] = in_rows(_target(form, x, others[0]), form)
    for name, array in question.state.items():
        is_turned = form.transposed and array.ndim == 2 and "weight" in name
        array = array.T if is_turned else array
        is_column = form.columns and array.ndim == 1
        arrays[name] = (array[:, None] if is_column else array).copy()
    give = giver(form.library)
    values: dict[str, Any] = {name: give(a) for name, a in arrays.items()}
    values["further"] = tuple(values[name] for name in question.further)
    return values | {"training": question.training, "options": _options(question)}


def _target(form: Form, x: np.ndarray, target: np.ndarray) -> np.ndarray:
    if form.one_hot and x.ndim != 2:
        raise NotTested("it takes one-hot targets of two dimensions only")
    if form.one_hot and target.dtype.kind in "iu":
        return np.eye(x.shape[1])[target].astype(x.dtype)
    return target


def _options(question: Question) -> dict[str, Any]:
    """All options in one dict, under the names that are common for such dicts."""
    kwargs, k = dict(question.kwargs), question.kwargs.get("kernel_size", 1)
    height, width = k if isinstance(k, tuple) else (k, k)
    common = {
        **{"mode": "train" if question.training else "test", "eps": 1e-5},
        **{"momentum": 0.9, "stride": k if "kernel_size" in kwargs else 1},
        **{"pool_height": height, "pool_width": width, "f": k, **kwargs},
    }
    return common | {"pad": kwargs.get("padding", 0)} | dict(question.buffers)


def as_array(name: str, value: Any) -> np.ndarray:
    """A result as an array.

    Raises:
        NoNumbers: it is something else.
    """
    array = np.array(to_numpy(value))
    if array.dtype.kind not in "fiubc":
        kind = type(value).__name__
        raise NoNumbers(f"{name} must be an array of numbers, got {kind}")
    return array


def stacked(returned: Any, question: Question) -> Any:
    """What a forward pass returns, several outputs as one array."""
    n = question.outputs
    if n == 1:
        return returned
    arrays = _flat(returned)
    if len(arrays) < n:
        raise NotTested(f"its forward pass returns {len(arrays)} outputs, not {n}")
    return np.stack([to_numpy(a) for a in arrays[:n]]), *arrays[n:]


def _flat(returned: Any) -> list[Any]:
    """The values of a tuple and of the tuples in it."""
    if not isinstance(returned, tuple):
        return [returned]
    return [value for inner in returned for value in _flat(inner)]


def by_name(
    returned: Any, definition: Definition, question: Question, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The gradients that a backward pass returns: by x, further inputs, parameters."""
    inputs = [*([] if question.of_index else ["x"]), *question.further]
    names, found = [*inputs, *question.state], {}
    if isinstance(returned, list) and not any(map(np.ndim, returned)):
        returned = np.array(returned)  # of plain numbers
    if isinstance(returned, Mapping):
        words = {name: {name, *gradient_words(name)} for name in names}
        pairs = ((name, key) for key in returned for name in names)
        found = {n: returned[key] for n, key in pairs if plain(key) in words[n]}
    elif isinstance(returned, (tuple, list)) and len(names) > 1:
        arrays = _flat(tuple(returned))[: len(names)]
        shapes = [np.shape(values[name]) for name in names]
        if [np.shape(a) for a in arrays] != shapes[: len(arrays)]:
            by_shape = [[a for a in arrays if np.shape(a) == s] for s in shapes]
            if all(len(each) == 1 for each in by_shape):
                arrays = [each[0] for each in by_shape]
        found = dict(zip(names, arrays, strict=False))
    else:
        is_many = isinstance(returned, (tuple, list))
        found = {names[0]: returned[0] if is_many else returned}
    found = {name: value for name, value in found.items() if value is not None}
    required = inputs if definition.is_class else names
    missing = [name for name in required if name not in found]
    if missing:
        of = "" if missing[0] == "x" else f" of {missing[0]}"
        raise NotTested(f"its backward pass returns no gradient{of}")
    return found
