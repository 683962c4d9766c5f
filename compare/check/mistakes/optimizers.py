"""`handmade`'s own code with a mistake in it: edits of its source, other values."""

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


@cache
def edited(made: Any, edits: tuple[str, ...]) -> Any:
    """A class or function with edits, "old -> new", in the source of its module.

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


@dataclass(frozen=True)
class WrongStep:
    """One way to make a mistake in an optimizer."""

    name: str
    of: str  # the class
    parts: tuple[str, ...] = ()  # "old -> new" in the source, and "name := value"

    def split(self, sign: str) -> list[list[str]]:
        """Both sides of each part that has this sign."""
        return [one.split(f" {sign} ") for one in self.parts if f" {sign} " in one]

    def optimizer(self, **constants: float) -> type:
        """The class with the mistake; it takes any option.

        `constants` are the k and the rate of optimizers.toml.
        """
        mro = getattr(handmade.optim, self.of).__mro__
        edits = tuple(part for part in self.parts if " -> " in part)
        made = edited(next(c for c in mro if "updated" in vars(c)), edits)

        def update(own: Any, parameter: Any, group: dict[str, Any]) -> None:
            # Unlike a Python number, a NumPy one can be divided by 0.
            group = {**group, "lr": np.float64(group["lr"])}
            lrs = own.state.setdefault("lrs", {}).setdefault(parameter, [])
            lrs.append(group["lr"])
            given = {"data": 1 * parameter.data, "grad": parameter.grad}
            given["state"] = own.state.setdefault(parameter, {})
            scope = group | given | constants | {"np": np, "t": len(lrs)}
            scope["shared"] = own.state.setdefault("shared", {})
            scope["since"] = lrs.count(group["lr"]) - 1
            scope |= _in_group(parameter, group["params"])
            for name, value in self.split(":="):
                given[name] = eval(value, scope)
            data, grad, state = (given.pop(name) for name in ("data", "grad", "state"))
            parameter.data = own.updated(data, grad, state, group | given)

        return type(self.of, (made,), {"_update": update, "check": lambda *_: None})

    def __add__(self, other: "WrongStep") -> "WrongStep":
        """Both mistakes at once."""
        return WrongStep(other.name, self.of, self.parts + other.parts)

    def overlaps(self, other: "WrongStep") -> bool:
        """Whether edits replace a part of what others replace."""
        olds = itertools.product(self.split("->"), other.split("->"))
        return any(a in b or b in a for (a, _), (b, _) in olds)


def _in_group(parameter: Any, params: list[Any]) -> dict[str, Any]:
    every = [p.grad for p in params if p.grad is not None]
    return {
        "i": params.index(parameter),
        "last": len(params) - 1,
        "norm": np.linalg.norm(parameter.grad),
        "total": np.sqrt(sum(np.sum(g * g) for g in every)),
    }


def all_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """These options and the defaults of all others."""
    any_parameter = handmade.nn.Parameter(np.zeros((1, 1)))
    return getattr(handmade.optim, name)([any_parameter]).defaults | given


def wrong_steps(name: str, taken: list[str]) -> dict[str, list[WrongStep]]:
    """Every known mistake in an optimizer of these arguments, and the ways to make it.

    The first that leads where a file leads gives it its name.
    """
    options = {*all_options(name, {}), "data", "grad", "state"}
    found: dict[str, list[WrongStep]] = {}
    forms: list[WrongStep] = []  # in which every mistake can be made, too
    for row in (row for row in OPTIMIZERS if row.get("unless") not in taken):
        for parts in row.get("ways", []) if name in row.get("of", name).split() else ():
            way = WrongStep(row["name"], name, tuple(parts))
            if options.issuperset(option for option, _ in way.split(":=")):
                found.setdefault(row["name"], []).append(way)
                forms += [way] * row.get("is_form", False)
    for form, ways in itertools.product(forms, found.values()):
        ways += [form + way for way in ways if not form.overlaps(way)]
    return found
