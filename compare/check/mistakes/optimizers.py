"""Wrong optimisers: `handmade`'s own, with the mistakes of optimizers.toml."""

import ast
import inspect
import itertools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import handmade
from compare.check.mistakes import OPTIMIZERS

Options = Mapping[str, Any]


@dataclass(frozen=True)
class WrongStep:
    """One way to make a mistake in an optimiser."""

    name: str
    of: str  # the class
    edits: tuple[str, ...] = ()  # "old -> new" in the source
    values: tuple[str, ...] = ()  # "name := value"

    def optimizer(self, **constants: float) -> type:
        """The class with the mistake; it takes any option.

        `constants` are the k and the rate of optimizers.toml.
        """
        mro = getattr(handmade.optim, self.of).__mro__
        made = edited(next(c for c in mro if "updated" in vars(c)), self.edits)

        def update(own: Any, parameter: Any, group: Options) -> None:
            # Unlike a Python number, a NumPy one can be divided by 0.
            group = {**group, "lr": np.float64(group["lr"])}
            state, grad = own.state.setdefault(parameter, {}), parameter.grad
            own.lrs = [*getattr(own, "lrs", []), (parameter, group["lr"])]
            every = [p.grad for p in group["params"] if p.grad is not None]
            given = {"data": 1 * parameter.data, "grad": grad, "state": state}
            scope = {
                **{**group, **given, **constants, "np": np},
                "shared": own.state.setdefault("shared", {}),
                "t": sum(p is parameter for p, _ in own.lrs),
                "since": own.lrs.count((parameter, group["lr"])) - 1,
                "i": group["params"].index(parameter),
                "last": len(group["params"]) - 1,
                "norm": np.linalg.norm(grad),
                "total": np.sqrt(sum(np.sum(g * g) for g in every)),
            }
            for value in self.values:
                name, _, formula = value.partition(" := ")
                given[name] = eval(formula, scope)
            data, grad, state = (given.pop(name) for name in ("data", "grad", "state"))
            parameter.data = own.updated(data, grad, state, {**group, **given})

        return type(self.of, (made,), {"_update": update, "check": lambda *_: None})

    def __add__(self, other: "WrongStep") -> "WrongStep":
        """Both mistakes at once."""
        edits, values = self.edits + other.edits, self.values + other.values
        return WrongStep(other.name, self.of, edits, values)


@cache
def edited(made: Any, edits: tuple[str, ...]) -> Any:
    """A class or function with edits in the source of its module.

    Raises:
        ValueError: the source has no such piece.
    """
    source = ast.unparse(ast.parse(inspect.getsource(sys.modules[made.__module__])))
    for edit in edits:
        old, new = edit.split(" -> ")
        if old not in source:
            raise ValueError(f"{made.__module__} has no {old!r}")
        source = source.replace(old, new)
    namespace: dict[str, Any] = {"__name__": made.__module__, "np": np}
    exec(source, namespace)
    return namespace[made.__name__]


def all_options(name: str, given: Options) -> dict[str, Any]:
    """These options and the defaults of all others."""
    parameters = inspect.signature(getattr(handmade.optim, name)).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.name != "params"}
    decoupled = {"decoupled_weight_decay": True} if name == "AdamW" else {}
    return {**defaults, **decoupled, **given}


def wrong_steps(name: str) -> dict[str, list[WrongStep]]:
    """Every known mistake in an optimiser, and the ways to make it.

    The first that leads where a file leads gives it its name.
    """
    options = {*all_options(name, {}), "data", "grad", "state"}
    found: dict[str, list[WrongStep]] = {}
    forms: list[WrongStep] = []  # in which every mistake can be made, too
    for row in OPTIMIZERS:
        for parts in row["ways"] if name in row.get("of", name).split() else ():
            edits = tuple(part for part in parts if " -> " in part)
            values = tuple(part for part in parts if " := " in part)
            if {value.split(" := ")[0] for value in values} <= options:
                way = WrongStep(row["name"], name, edits, values)
                found.setdefault(row["name"], []).append(way)
                forms += [way] * row.get("is_form", False)
    for form, ways in itertools.product(forms, found.values()):
        ways += [form + way for way in ways if not _overlap(way, form)]
    return found


def _overlap(one: WrongStep, other: WrongStep) -> bool:
    """Whether edits replace a part of what others replace."""
    olds = [[edit.split(" -> ")[0] for edit in way.edits] for way in (one, other)]
    return any(a in b or b in a for a, b in itertools.product(*olds))
