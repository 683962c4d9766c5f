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
        self._groups = optimizer.param_groups
        found = [*learner.model._state(), *learner.criterion._state()]
        # Several modules may share a parameter: one slot.
        arrays = {(id(owner), name): (vars(owner), name) for _, owner, name in found}
        parameters = [p for group in self._groups for p in group["params"]]
        states = [optimizer.state.get(parameter, {}) for parameter in parameters]
        named = [(i, name) for i, state in enumerate(states) for name in state]
        # Where each value is kept: a dict and a key.
        self._slots: list[tuple[dict[str, Any], str]]
        self._slots = [*arrays.values(), *((states[i], name) for i, name in named)]
        # Changes when the optimizer makes its buffers, as in the first step.
        self.layout = (*(name for name, *_ in found), len(arrays), *named)
        counted = enumerate(named, len(arrays))
        self._counts = [i for i, (_, name) in counted if name in optimizer.numbers]
        self._scheduled = SCHEDULED if learner.scheduler else ()
        self._dynamic = [
            (g, n) for g in self._groups for n in sorted(g) if self._is_dynamic(g, n)
        ]
        self.fixed = self.fixed_now()
        values = [owner[name] for owner, name in arrays.values()]
        kinds = [(tuple(value.shape), value.dtype) for value in values]
        names = tuple(name for _, name in self._dynamic)
        # Steps with equal keys are the same function.
        self.key = self.layout, repr((self.fixed, kinds)), names, constants(learner)

    def _is_dynamic(self, group: dict[str, Any], name: str) -> bool:
        return name in self._scheduled and (name != "momentum" or bool(group[name]))

    def fixed_now(self) -> list[dict[str, Any]]:
        """The current hyper-parameters that a step takes as constant, by group."""
        return [
            {n: v for n, v in g.items() if n != "params" and not self._is_dynamic(g, n)}
            for g in self._groups
        ]

    def values(self) -> list[Any]:
        """The whole state."""
        return [owner[name] for owner, name in self._slots]

    def put(self, values: Iterable[Any], *, counts: bool = False) -> None:
        """Replace the state by values in the same order.

        With `counts` step counts, arrays in a compiled step, become numbers again.
        """
        new = list(values)
        for i in self._counts if counts else []:
            owner, name = self._slots[i]
            new[i] = type(owner[name])(new[i])
        for (owner, name), value in zip(self._slots, new, strict=True):
            owner[name] = value

    def hyperparameters(self) -> list[Any]:
        """The dynamic ones, in a row: `betas` are two numbers."""
        values = [group[name] for group, name in self._dynamic]
        return [n for v in values for n in (v if isinstance(v, tuple) else (v,))]

    def put_hyperparameters(self, numbers: Iterable[Any]) -> None:
        """Replace the dynamic ones."""
        rest = iter(numbers)
        for group, name in self._dynamic:
            pair = isinstance(group[name], tuple)
            group[name] = (next(rest), next(rest)) if pair else next(rest)


def constants(learner: GradientLearner) -> Constants:
    """Of every module of model and loss, of the optimizer, and of gradient clipping."""
    modules = [*learner.model.modules(), *learner.criterion.modules()]
    captured = tuple(module_constants(module) for module in modules)
    return captured, type(learner.optimizer), _constant(learner.clip)


def module_constants(module: Module) -> Constants:
    """Its class, mode and attributes, without arrays.

    Those named in `buffer_names` belong to the state; a step uses no others.
    """
    named = [(n, v) for n, v in vars(module).items() if n not in TEMPORARY]
    attributes = [(n, _constant(v)) for n, v in named if not _is_state(v)]
    return type(module), module.training, tuple(attributes)


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
