"""The arrays that a step changes, as a flat list that can be read and replaced."""

from collections.abc import Iterable
from typing import Any

from compare.compile.capture import constants
from handmade.training import GradientLearner

SCHEDULED = frozenset({"lr", "betas", "momentum"})
"""Hyper-parameters that a schedule may change; optimizers only compute with them."""
Slot = tuple[Any, str]
"""A dict and a key, or an object and an attribute: where a value is kept."""


class Buffers:
    """The state of model, loss and optimizer, and all that a step takes as constant.

    Where there is a schedule, learning rate, betas and momentum are no constants, but a
    momentum of 0 is: it needs no buffer.
    """

    def __init__(self, learner: GradientLearner) -> None:
        optimizer = learner.optimizer
        found = [*learner.model._state(), *learner.criterion._state()]
        # Several modules may share a parameter: one slot.
        modules = {(id(owner), name): (owner, name) for _, owner, name in found}
        states = [
            optimizer.state.get(parameter, {})
            for group in optimizer.param_groups
            for parameter in group["params"]
        ]
        named = [(i, name) for i, state in enumerate(states) for name in state]
        self.slots: list[Slot] = [
            *modules.values(),
            *((states[i], name) for i, name in named),
        ]
        self.layout = (*(name for name, *_ in found), len(modules), *named)
        """Changes when the optimizer makes its buffers, as in the first step."""
        self._counts = [
            i
            for i in range(len(modules), len(self.slots))
            if self.slots[i][1] in optimizer.numbers
        ]
        self._groups = optimizer.param_groups
        self._names = set[str]() if learner.scheduler is None else SCHEDULED
        self._dynamic = [(g, n) for g in self._groups for n in self._dynamic_in(g)]
        self.fixed = self.fixed_now()
        kinds = [(tuple(v.shape), v.dtype) for v in map(_get, modules.values())]
        names = tuple(name for _, name in self._dynamic)
        self.key = self.layout, repr((self.fixed, kinds)), names, constants(learner)
        """Steps with equal keys are the same function."""

    def _dynamic_in(self, group: dict[str, Any]) -> list[str]:
        names = sorted(self._names & group.keys())
        return [name for name in names if name != "momentum" or group[name]]

    def fixed_now(self) -> list[dict[str, Any]]:
        """The current hyper-parameters that a step takes as constant, by group."""
        return [
            {k: v for k, v in group.items() if k not in {"params", *names}}
            for group in self._groups
            for names in [self._dynamic_in(group)]
        ]

    def values(self) -> list[Any]:
        """The whole state."""
        return [_get(slot) for slot in self.slots]

    def put(self, values: Iterable[Any], *, counts: bool = False) -> None:
        """Replace the state.

        Args:
            values: in the order of `values`.
            counts: whether step counts, arrays in a compiled step, become numbers.
        """
        new = list(values)
        for i in self._counts if counts else []:
            new[i] = type(_get(self.slots[i]))(new[i])
        for slot, value in zip(self.slots, new, strict=True):
            _put(slot, value)

    def hyperparameters(self) -> list[Any]:
        """The dynamic ones, in a row: `betas` are two numbers."""
        return [n for slot in self._dynamic for n in _flat(_get(slot))]

    def put_hyperparameters(self, numbers: Iterable[Any]) -> None:
        """Replace the dynamic ones."""
        rest = iter(numbers)
        for slot in self._dynamic:
            old = _get(slot)
            new = tuple(next(rest) for _ in _flat(old))
            _put(slot, new if isinstance(old, tuple) else new[0])


def _flat(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _get(slot: Slot) -> Any:
    owner, name = slot
    return owner[name] if isinstance(owner, dict) else getattr(owner, name)


def _put(slot: Slot, value: Any) -> None:
    owner, name = slot
    if isinstance(owner, dict):
        owner[name] = value
    else:
        setattr(owner, name, value)
