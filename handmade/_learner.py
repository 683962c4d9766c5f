"""The base class of learners that train one model."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from handmade._array import Array, is_count
from handmade._numbers import real_number, whole
from handmade.nn.module import Module, require_module
from handmade.optim.optimizer import Optimizer


class ModelLearner:
    """A learner of one model: all of `training.Learner` but `step`.

    `stateful` names the attributes that are the state: modules, optimizers, schedules,
    lists of these, or numbers. One that is None is left out.
    """

    stateful: ClassVar[tuple[str, ...]] = ("model",)

    def __init__(self, model: Module) -> None:
        require_module(type(self).__name__, "model", model)
        self.model = model
        # Looked up once: the names of a deep model are needed in every step.
        self._named = dict(model.named_parameters())
        self._has_buffers = any(True for _ in model.named_buffers())

    def predict(self, x: Array) -> Array:
        """The model's output in evaluation mode; all modes are restored."""
        return evaluated(self.model, x)

    def parameters(self) -> dict[str, Array]:
        """The data of every parameter and every floating buffer by name."""
        found = {name: p.data for name, p in self._named.items()}
        if self._has_buffers:
            buffers = self.model.named_buffers()
            found |= {name: a for name, a in buffers if not is_count(a)}
        return found

    def gradients(self) -> dict[str, Array]:
        """The gradient of every parameter that the last step reached."""
        named = self._named.items()
        return {name: p.grad for name, p in named if p.grad is not None}

    def state_dict(self) -> dict[str, Any]:
        """The state of everything that `stateful` names."""
        parts = ((name, getattr(self, name)) for name in self.stateful)
        return {name: _state(part) for name, part in parts if part is not None}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; arrays are copied.

        Nothing is changed unless everything fits.

        Raises:
            KeyError: the names differ, as in the state of another kind of learner.
            TypeError: it is no dict, or a part of it is of another kind.
            ValueError: a list has another length, or a part has another shape.
            RuntimeError: the names, shapes or dtypes of a module differ.
        """
        own = self.state_dict()
        require_names(type(self).__name__, own, state_dict)
        try:
            self._load(state_dict)
        except Exception:
            self._load(own)
            raise

    def _load(self, state_dict: dict[str, Any]) -> None:
        for name, state in state_dict.items():
            part, owner = getattr(self, name), f"{type(self).__name__}.load_state_dict"
            if isinstance(part, int | float):
                number = whole if isinstance(part, int) else real_number
                setattr(self, name, number(owner, name, _plain(state)))
            else:
                _load_part(owner, name, part, state)

    def to(self, other: Array) -> Self:
        """Move modules and optimizers to library, dtype and device of `other`."""
        parts = list(_flat(vars(self).values()))
        for part in parts:
            if isinstance(part, Module):
                part.to(other)
        for part in parts:
            if isinstance(part, Optimizer):
                # Loading copies every buffer to where its parameter now lies.
                part.load_state_dict(part.state_dict())
        return self


def evaluated(module: Module, x: Array) -> Array:
    """The output in evaluation mode; the mode of every module is restored."""
    modes = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        return module(x)
    finally:
        for inner, training in modes:
            inner.training = training


def _state(part: Any) -> Any:
    if isinstance(part, (list, tuple)):
        return [_state(inner) for inner in _flat([part])]
    return part.state_dict() if hasattr(part, "state_dict") else part


def _load_part(owner: str, name: str, part: Any, state: Any) -> None:
    if not isinstance(part, (list, tuple)):
        part.load_state_dict(state)
        return
    parts = list(_flat([part]))
    if not isinstance(state, (list, tuple)) or len(parts) != len(state):  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError(
            f"{owner}: {name} must be a list of {len(parts)} states, got {state!r}"
        )
    for inner, inner_state in zip(parts, state, strict=True):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        inner.load_state_dict(inner_state)


def _plain(number: Any) -> Any:
    """A Python number for an array () that holds one."""
    return number.item() if getattr(number, "shape", None) == () else number


def require_criterion(owner: str, criterion: Any) -> None:
    """Refuse what cannot be asked for a loss.

    Raises:
        TypeError: it is no function of output and target.
    """
    if not callable(criterion):
        raise TypeError(
            f"{owner}: criterion must be a loss, got {type(criterion).__name__}"
        )


def require_names(owner: str, own: dict[str, Any], state_dict: Any) -> None:
    """Refuse a state that has not the names of the own one.

    Raises:
        KeyError: the names differ.
        TypeError: it is no dict.
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"{owner}.load_state_dict: expected a dict, got {type(state_dict).__name__}"
        )
    if own.keys() != state_dict.keys():
        raise KeyError(
            f"{owner}.load_state_dict: expected {[*own]}, got {[*state_dict]}"
        )


def _flat(parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        yield from part if isinstance(part, (list, tuple)) else [part]
