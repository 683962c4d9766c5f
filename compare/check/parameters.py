"""Where a module keeps its parameters and their gradients, and in which layout.

As attributes, in lists or in dicts, under the names that people use; weights as (out,
in) or (in, out), biases as vectors, rows or columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.check.definitions import Form, NotTested, plain, words_for

USUAL = Form()
ROW = "bias gradient kept as a row (1, out)"
IN_OUT = "weights stored (in, out)"


@dataclass(frozen=True)
class Slot:
    """Where a module keeps an array: an attribute, or an entry of a list or a dict."""

    owner: Any
    key: Any
    is_item: bool = False

    def get(self) -> Any:
        """The array."""
        own = self.owner[self.key] if self.is_item else getattr(self.owner, self.key)
        return own.data if hasattr(own, "grad") else own

    def set(self, value: Any) -> None:
        """Replace it; a parameter object keeps its identity."""
        own = self.owner[self.key] if self.is_item else getattr(self.owner, self.key)
        if hasattr(own, "grad"):
            own.data = _like(value, own.data)
        elif self.is_item:
            self.owner[self.key] = _like(value, own)
        else:
            setattr(self.owner, self.key, _like(value, own))


def _is_torch(module: Any) -> bool:
    return any(t.__module__.startswith("torch.nn") for t in type(module).__mro__)


def _like(value: np.ndarray, own: Any) -> Any:
    """An array of the library of the one that it replaces."""
    if type(own).__module__.startswith("torch"):
        return giver("torch")(value)
    return value


def find_slot(module: Any, name: str, number: int) -> Slot | None:
    """Where a module keeps a parameter or a buffer; `number` is its place in lists."""
    if hasattr(module, name):
        return Slot(module, name)
    kept, words = getattr(module, "__dict__", {}), words_for("parameters", name)
    by_word = {plain(key): key for key in kept}
    for word in words:
        if word in by_word and not callable(kept[by_word[word]]):
            return Slot(module, by_word[word])
    for box in ("params", "parameters", "weights", "theta"):
        held = kept.get(box)
        if isinstance(held, dict):
            for key in held:
                if plain(str(key)) in words:
                    return Slot(held, key, is_item=True)
        if isinstance(held, list) and number < len(held):
            return Slot(held, number, is_item=True)
    return None


def set_parameters(
    module: Any,
    state: dict[str, np.ndarray],
    form: Form = USUAL,
    conventions: list[str] | None = None,
) -> dict[str, Slot]:
    """Give a module these parameters: by `load_state_dict`, or where it keeps them."""
    if state and hasattr(module, "load_state_dict") and not _is_torch(module):
        module.to(next(a for a in state.values() if a.dtype.kind == "f"))
        inner = getattr(module, "state_dict", dict)()  # of modules in it
        module.load_state_dict({**inner, **state})
        return {n: s for n in state if (s := find_slot(module, n, 0)) is not None}
    found = {}
    for number, (name, value) in enumerate(state.items()):
        slot = find_slot(module, name, number)
        if slot is None:
            raise NotTested(
                f"it has no parameter {name!r}; parameters are named as in torch: "
                f"{_shapes(state)}; found: {_arrays_of(module)}"
            )
        own = slot.get()
        fitted = _fitted(value, own, form)
        is_turned = value.ndim == 2 and np.shape(fitted) != value.shape
        if is_turned and conventions is not None:
            conventions.append(IN_OUT)
        found[name] = slot
        for other, alias in list(getattr(module, "__dict__", {}).items()):
            if alias is own and isinstance(own, np.ndarray):
                setattr(module, other, fitted)
        slot.set(fitted)
    return found


def _fitted(value: np.ndarray, own: Any, form: Form) -> np.ndarray:
    """A parameter in the layout that a module keeps it in."""
    shape = np.shape(to_numpy(own)) if hasattr(own, "shape") else value.shape
    is_turned = shape == value.shape[::-1] and (form.transposed or shape != value.shape)
    if value.ndim == 2 and is_turned:
        return value.T.copy()
    if shape != value.shape and np.prod(shape, dtype=int) == value.size:
        return value.reshape(shape).copy()
    return value.copy()


def get_parameter(module: Any, name: str) -> Any:
    """A parameter of a module, by `parameters()` or where it keeps it."""
    if callable(getattr(module, "parameters", None)):
        found = module.parameters()
        if name in found:
            return found[name]
    slot = find_slot(module, name, 0)
    assert slot is not None
    return slot.get()


def gradient_of(module: Any, name: str, number: int) -> Any:
    """The gradient of a parameter, under any of the names that are in use."""
    if hasattr(module, "named_parameters"):
        own: Any = dict(module.named_parameters()).get(name)
        if getattr(own, "grad", None) is not None:
            return own.grad
    kept, words = getattr(module, "__dict__", {}), gradient_words(name)
    for key, value in kept.items():
        if plain(key) in words and value is not None:
            return value
    slot = find_slot(module, name, number)
    if slot is not None:
        own = slot.owner[slot.key] if slot.is_item else getattr(slot.owner, slot.key)
        if getattr(own, "grad", None) is not None:
            return own.grad
    for box in ("grads", "gradients", "grad", "dparams"):
        held = kept.get(box)
        if isinstance(held, dict):
            for key, value in held.items():
                word = plain(str(key))
                if word in words or word in words_for("parameters", name):
                    return value
        if isinstance(held, (list, tuple)) and number < len(held):
            return held[number]
    raise NotTested(
        f"the gradient of its {name} was not found after backward; call it "
        f"{name}_grad, grad_{name} or {name}.grad; found: {_arrays_of(module)}"
    )


def _arrays_of(module: Any) -> str:
    """The arrays that a module keeps, as attributes or in dicts, with their shapes."""
    kept: dict[str, Any] = {}
    for name, value in getattr(module, "__dict__", {}).items():
        if isinstance(value, dict):
            kept |= {f"{name}[{key!r}]": one for key, one in value.items()}
        else:
            kept[name] = value.data if hasattr(value, "grad") else value
    arrays = {k: v for k, v in kept.items() if isinstance(v, np.ndarray)}
    return _shapes(arrays) or "no arrays"


def _shapes(arrays: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {a.shape}" for name, a in arrays.items())


# -- layouts ---------------------------------------------------------------------------


def giver(library: str) -> Callable[[np.ndarray], Any]:
    """Makes arrays of a library of NumPy arrays."""
    if library == "torch":
        import torch

        return lambda a: torch.from_numpy(np.array(a))
    if library == "jax":
        import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

        return jnp.asarray
    return lambda a: a


def gradient_words(name: str) -> set[str]:
    """What the gradient of a parameter (or of x) is called."""
    words = ["x", "input", "inputs", "a", "aprev", "q", "query"] * (name == "x")
    words += words_for("parameters", name) if name != "x" else []
    patterns = (
        *("{}grad", "grad{}", "d{}", "dl{}", "dld{}", "gradient{}", "{}gradient"),
        *("delta{}", "nabla{}", "{}delta", "d{}s", "dd{}"),
    )
    return {pattern.format(word) for word in words for pattern in patterns}


def torchs_layout(gradient: Any, torchs: np.ndarray, own: Any) -> Any:
    """The gradient of a parameter in torch's layout, if it has the file's own."""
    array, shape = np.asarray(to_numpy(gradient)), np.shape(to_numpy(own))
    if shape == torchs.shape and not (
        array.shape == shape and torchs.ndim == 2 and _is_turned(own, torchs)
    ):
        return array
    if array.shape != shape:
        return array.T if array.shape == torchs.shape and array.ndim == 2 else array
    if shape == torchs.shape[::-1]:
        return array.T
    return array.reshape(torchs.shape)


def _is_turned(own: Any, torchs: np.ndarray) -> bool:
    """Whether a square matrix was given to the file transposed."""
    return np.array_equal(to_numpy(own), torchs.T) and not np.array_equal(
        torchs, torchs.T
    )


def kept_as_row(
    array: np.ndarray, shape: tuple[int, ...], conventions: list[str]
) -> np.ndarray:
    """A gradient as a vector; that it was a row or a column is a convention."""
    if len(shape) == 1 and array.shape in {(1, *shape), (*shape, 1)}:
        conventions.append(ROW)
        return array.reshape(shape)
    return array
