"""The base class of learners that train one model."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self

from handmade._array import Array, is_count
from handmade.nn.module import Module
from handmade.optim.optimizer import Optimizer


class ModelLearner:
    """A learner of one model: all of `training.Learner` but `step`.

    `stateful` names the attributes that are the state: modules, optimizers, schedules,
    lists of these, or numbers. One that is None is left out.
    """

    stateful: ClassVar[tuple[str, ...]] = ("model",)

    def __init__(self, model: Module) -> None:
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

        Raises:
            KeyError: the names differ, as in the state of another kind of learner.
            ValueError: a list has another length.
        """
        if (own := self.state_dict().keys()) != state_dict.keys():
            raise KeyError(
                f"{type(self).__name__}.load_state_dict: expected {[*own]}, "
                f"got {[*state_dict]}"
            )
        for name in own:
            part = getattr(self, name)
            if isinstance(part, int | float):
                setattr(self, name, type(part)(state_dict[name]))
            else:
                _load(part, state_dict[name])

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


def _load(part: Any, state: Any) -> None:
    if isinstance(part, (list, tuple)):
        for inner, inner_state in zip(_flat([part]), state, strict=True):
            inner.load_state_dict(inner_state)
    else:
        part.load_state_dict(state)


def _flat(parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        yield from part if isinstance(part, (list, tuple)) else [part]
