"""Where an object keeps its parameters and their gradients, and in which layout.

As attributes, in lists or in dicts, under the names that people use; weights as (out,
in) or (in, out), biases as vectors, rows or columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from compare.backend import to_numpy
from compare.check.definitions import NotTested, plain, words_for

ROW = "bias gradient kept as a row (1, out)"
IN_OUT = "weights stored (in, out)"
BOXES = ("params", "parameters", "weights", "theta")
GRADIENT_BOXES = ("grads", "gradients", "grad", "dparams")
"""Lists or dicts of parameters and of their gradients."""
GRADIENT_NAMES = (
    *("{}grad", "grad{}", "d{}", "dl{}", "dld{}", "gradient{}", "{}gradient"),
    *("delta{}", "nabla{}", "{}delta", "d{}s", "dd{}"),
    *("ableitung{}", "{}ableitung", "gradienten{}", "{}gradienten"),
)
INPUT_NAMES = ("x", "input", "inputs", "a", "aprev", "q", "query")


@dataclass(frozen=True)
class Slot:
    """Where an object keeps a parameter or a buffer."""

    owner: Any
    name: str
    number: int  # its place in lists
    box: Any  # the owner itself, or its list or dict
    key: Any  # the attribute's name, the index or the key

    @property
    def kept(self) -> Any:
        """What is kept there: an array, or an object with `data` and `grad`."""
        is_attribute = self.box is self.owner
        return getattr(self.box, self.key) if is_attribute else self.box[self.key]

    def get(self) -> Any:
        """The array."""
        return self.kept.data if hasattr(self.kept, "grad") else self.kept

    def set(self, value: np.ndarray) -> None:
        """Replace the array; an object that holds it stays the same."""
        kept, is_torchs = self.kept, type(self.kept).__module__.startswith("torch")
        new = giver("torch")(value) if is_torchs else value
        if hasattr(kept, "grad"):
            kept.data = new
        elif self.box is not self.owner:
            self.box[self.key] = new
        else:
            for name, other in list(attributes(self.owner).items()):
                if other is kept and isinstance(kept, np.ndarray):
                    setattr(self.owner, name, new)  # the same by another name
            setattr(self.owner, self.key, new)

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient is kept."""
        return self._gradient() is not None

    def gradient(self) -> Any:
        """The gradient, under any of the names that are in use.

        Raises:
            NotTested: none was found.
        """
        found, name = self._gradient(), self.name
        if found is None:
            raise NotTested(
                f"the gradient of its {name} was not found after backward; call it "
                f"{name}_grad, grad_{name} or {name}.grad; "
                f"found: {_arrays_of(self.owner)}"
            )
        return found

    def _gradient(self) -> Any:
        words, kept = gradient_words(self.name), attributes(self.owner)
        found = [getattr(self.kept, "grad", None)]
        found += [value for key, value in kept.items() if plain(key) in words]
        words |= {*words_for("parameters", self.name)}
        if place := _in_boxes(kept, GRADIENT_BOXES, words, self.number):
            found.append(place[0][place[1]])
        return next((a for a in found if a is not None), None)


def attributes(owner: Any) -> dict[str, Any]:
    """What an object keeps, by name."""
    return getattr(owner, "__dict__", {})


def find_slot(owner: Any, name: str, number: int = 0) -> Slot | None:
    """Where an object keeps a parameter or a buffer; `number` is its place in lists."""
    if hasattr(owner, name):
        return Slot(owner, name, number, owner, name)
    words, kept = words_for("parameters", name), attributes(owner)
    by_word = {plain(key): key for key in kept}
    for word in words:
        if word in by_word and not callable(kept[by_word[word]]):
            return Slot(owner, name, number, owner, by_word[word])
    place = _in_boxes(kept, BOXES, {*words}, number)
    return Slot(owner, name, number, *place) if place else None


def _in_boxes(
    kept: dict[str, Any], boxes: tuple[str, ...], words: set[str], number: int
) -> tuple[Any, Any] | None:
    """The dict and its key, or the list and the place in it, of a parameter."""
    for box in (kept[name] for name in boxes if name in kept):
        if isinstance(box, dict):
            for key in box:
                if plain(str(key)) in words:
                    return box, key
        if isinstance(box, (list, tuple)) and number < len(box):
            return box, number
    return None


def set_parameters(
    owner: Any,
    state: dict[str, np.ndarray],
    is_turned: bool = False,
    conventions: list[str] | None = None,
) -> dict[str, Slot]:
    """Give an object these parameters; returns where it keeps them.

    `is_turned`: square matrices, too, are stored (in, out). Adds to `conventions`.

    Raises:
        NotTested: it keeps no such parameter.
    """
    found = {}
    for number, (name, value) in enumerate(state.items()):
        slot = found[name] = find_slot(owner, name, number)
        if slot is None and hasattr(owner, "load_state_dict"):  # it keeps them apart
            owner.to(value)
            inner = getattr(owner, "state_dict", dict)()  # of modules in it
            owner.load_state_dict({**inner, **state})
            return {}
        if slot is None:
            raise NotTested(
                f"it has no parameter {name!r}; parameters are named as in torch: "
                f"{_shapes(state)}; found: {_arrays_of(owner)}"
            )
        fitted = _fitted(value, slot.get(), is_turned)
        if value.ndim == 2 and fitted.shape != value.shape and conventions is not None:
            conventions.append(IN_OUT)
        slot.set(fitted)
    return found


def get_parameter(owner: Any, name: str) -> Any:
    """A parameter of an object, by `parameters()` or where it keeps it."""
    if callable(getattr(owner, "parameters", None)) and name in owner.parameters():
        return owner.parameters()[name]
    slot = find_slot(owner, name)
    assert slot is not None
    return slot.get()


def gradient_words(name: str) -> set[str]:
    """What the gradient of a parameter (or of x) is called."""
    words = INPUT_NAMES if name == "x" else words_for("parameters", name)
    return {pattern.format(word) for word in words for pattern in GRADIENT_NAMES}


def _arrays_of(owner: Any) -> str:
    """The arrays that an object keeps, as attributes or in dicts, with their shapes."""
    kept: dict[str, Any] = {}
    for name, value in attributes(owner).items():
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
    """Makes arrays of "numpy", "torch" or "jax" of NumPy arrays."""
    if library == "torch":
        import torch

        return lambda a: torch.from_numpy(np.array(a))
    if library == "jax":
        import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

        return jnp.asarray
    return lambda a: a


def _fitted(value: np.ndarray, own: Any, is_turned: bool) -> np.ndarray:
    """A parameter in the layout that an object keeps it in."""
    shape = np.shape(to_numpy(own)) if hasattr(own, "shape") else value.shape
    if value.ndim == 2 and shape == value.shape[::-1]:
        return value.T.copy() if is_turned or shape != value.shape else value.copy()
    is_same = np.prod(shape, dtype=int) == value.size
    return value.reshape(shape if is_same else value.shape).copy()


def torchs_layout(
    gradient: Any, torchs: np.ndarray, own: Any, conventions: list[str] | None = None
) -> np.ndarray:
    """The gradient of a parameter in torch's layout, if it has the file's own.

    That a vector's gradient was a row or a column is added to `conventions`.
    """
    array, own = np.asarray(to_numpy(gradient)), np.asarray(to_numpy(own))
    shape = torchs.shape
    is_turned = own.shape == shape[::-1] and np.array_equal(own, torchs.T)
    is_turned = is_turned and not np.array_equal(own, torchs)
    if array.shape == own.shape and (own.shape != shape or is_turned):
        return array.T if own.shape == shape[::-1] else array.reshape(shape)
    if array.ndim == 2 and array.shape == shape != own.shape:
        return array.T
    is_row = len(shape) == 1 and array.shape in {(1, *shape), (*shape, 1)}
    if is_row and conventions is not None:
        conventions.append(ROW)
        return array.reshape(shape)
    return array
