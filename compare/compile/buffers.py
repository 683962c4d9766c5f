"""What a step changes, as a flat list; and what a compiled step takes as constant."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from handmade.nn.module import Module, Parameter
from handmade.training import GradientLearner

SCHEDULED = frozenset({"lr", "betas", "momentum"})
"""Hyper-parameters that a schedule may change; optimizers only compute with them."""
TEMPORARY = frozenset({"saved", "_value", "_total", "needs_input_grad", "training"})
"""Attributes with values of the last step only; the mode is captured by itself."""
Constants = Any
"""Hashable: steps with equal constants are equal functions of their state."""


class Buffers:
    """The state of model, loss and optimizer, and all that a step takes as constant.

    Where there is a schedule, learning rate, betas and momentum are no constants, but a
    momentum of 0 is: it needs no buffer.
    """

    def __init__(self, learner: GradientLearner) -> None:
        optimizer = learner.optimizer
        found = [*learner.model._state(), *learner.criterion._state()]
        # Several modules may share a parameter: one slot.
        arrays = {(id(owner), name): (vars(owner), name) for _, owner, name in found}
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        states = [optimizer.state.get(parameter, {}) for parameter in parameters]
        named = [(i, name) for i, state in enumerate(states) for name in state]
        self.slots: list[tuple[dict[str, Any], str]] = [
            *arrays.values(),
            *((states[i], name) for i, name in named),
        ]
        """Where each value is kept: a dict and a key."""
        self.layout = (*(name for name, *_ in found), len(arrays), *named)
        """Changes when the optimizer makes its buffers, as in the first step."""
        numbers = optimizer.numbers
        counted = enumerate(named, len(arrays))
        self._counts = [slot for slot, (_, name) in counted if name in numbers]
        self._groups = optimizer.param_groups
        self._scheduled = set[str]() if learner.scheduler is None else SCHEDULED
        self._dynamic = [
            (g, n) for g in self._groups for n in sorted(g) if self._is_dynamic(g, n)
        ]
        self.fixed = self.fixed_now()
        values = [owner[name] for owner, name in arrays.values()]
        kinds = [(tuple(value.shape), value.dtype) for value in values]
        names = tuple(name for _, name in self._dynamic)
        self.key = self.layout, repr((self.fixed, kinds)), names, constants(learner)
        """Steps with equal keys are the same function."""

    def _is_dynamic(self, group: dict[str, Any], name: str) -> bool:
        return name in self._scheduled and (name != "momentum" or bool(group[name]))

    def fixed_now(self) -> list[dict[str, Any]]:
        """The current hyper-parameters that a step takes as constant, by group."""
        return [
            {
                name: value
                for name, value in group.items()
                if name != "params" and not self._is_dynamic(group, name)
            }
            for group in self._groups
        ]

    def values(self) -> list[Any]:
        """The whole state."""
        return [owner[name] for owner, name in self.slots]

    def put(self, values: Iterable[Any], *, counts: bool = False) -> None:
        """Replace the state by values in the same order.

        With `counts` step counts, arrays in a compiled step, become numbers again.
        """
        new = list(values)
        for i in self._counts if counts else []:
            owner, name = self.slots[i]
            new[i] = type(owner[name])(new[i])
        for (owner, name), value in zip(self.slots, new, strict=True):
            owner[name] = value

    def hyperparameters(self) -> list[Any]:
        """The dynamic ones, in a row: `betas` are two numbers."""
        return [n for group, name in self._dynamic for n in _flat(group[name])]

    def put_hyperparameters(self, numbers: Iterable[Any]) -> None:
        """Replace the dynamic ones."""
        rest = iter(numbers)
        for group, name in self._dynamic:
            old = group[name]
            new = tuple(next(rest) for _ in _flat(old))
            group[name] = new if isinstance(old, tuple) else new[0]


def _flat(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def constants(learner: GradientLearner) -> Constants:
    """Of every module of model and loss, of the optimizer, and of gradient clipping."""
    modules = [*learner.model.modules(), *learner.criterion.modules()]
    captured = tuple(module_constants(module) for module in modules)
    return captured, type(learner.optimizer), _constant(learner.clip)


def module_constants(module: Module) -> Constants:
    """Its class, mode and attributes, without arrays.

    Those named in `buffer_names` belong to the state; a step uses no others.
    """
    attributes = tuple(
        (name, _constant(value))
        for name, value in vars(module).items()
        if name not in TEMPORARY and not _is_state(value)
    )
    return type(module), module.training, attributes


def _constant(value: Any) -> Constants:
    """A value in hashable form: numbers exactly, functions by identity."""
    if isinstance(value, (bool, int, float, np.generic)):
        return type(value), repr(value)
    if isinstance(value, dict):
        return tuple((str(k), _constant(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(_constant(v) for v in value if not _is_state(v))
    return value if getattr(value, "__hash__", None) else repr(value)


def _is_state(value: Any) -> bool:
    is_array = hasattr(value, "shape") and hasattr(value, "dtype")
    is_number = isinstance(value, np.generic)
    return isinstance(value, (Module, Parameter)) or (is_array and not is_number)
