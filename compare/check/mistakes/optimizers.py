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
_FOLDED = (
    "root += group['eps'] -> "
    "root += np.float64(group['eps']) / (1 - beta2 ** t) ** 0.5",
)
OTHER_FORMS = {
    "SGD": (
        "data -= group['lr'] * g -> data -= g",
        "g = gradient -> g = group['lr'] * gradient",
    ),
    **{"Adam": _FOLDED, "AdamW": _FOLDED},
}
"""Forms in which every mistake can be made, too: lr in SGD's velocity, and Adam with
its corrections folded into lr."""


@dataclass(frozen=True)
class WrongStep:
    """One way to make a mistake in an optimiser."""

    name: str
    of: str  # the class
    parts: tuple[str, ...]  # as in optimizers.toml: other values and edits

    def optimizer(self, **constants: float) -> type:
        """The class with the mistake; it takes any option.

        `constants` are the k and the rate of optimizers.toml.
        """
        made = _edited(self.of, tuple(part for part in self.parts if " -> " in part))
        values = dict(part.split(" := ") for part in self.parts if " := " in part)

        def update(own: Any, parameter: Any, group: Options) -> None:
            # Unlike a Python number, a NumPy one can be divided by 0.
            group = {**group, "lr": np.float64(group["lr"])}
            own.taken = [*getattr(own, "taken", []), parameter]
            own.lrs = [*getattr(own, "lrs", []), (group["lr"], parameter)]
            every = [p.grad for p in group["params"] if p.grad is not None]
            given = {
                "data": 1 * parameter.data,
                "grad": parameter.grad,
                "state": own.state.setdefault(parameter, {}),
            }
            names = {
                "shared": own.state.setdefault("shared", {}),
                "t": own.taken.count(parameter),
                "i": group["params"].index(parameter),
                "last": len(group["params"]) - 1,
                "norm": np.linalg.norm(parameter.grad),
                "total": np.sqrt(sum(np.sum(g * g) for g in every)),
                "since": own.lrs.count((group["lr"], parameter)) - 1,
                **constants,
            }
            scope = {**group, **given, **names, "np": np}
            given |= {k: eval(value, scope) for k, value in values.items()}
            data, grad, state = (given.pop(name) for name in ("data", "grad", "state"))
            parameter.data = own.updated(data, grad, state, {**group, **given})

        return type(self.of, (made,), {"_update": update, "check": lambda *_: None})


def _edited(name: str, edits: tuple[str, ...]) -> Any:
    """An optimiser of `handmade`, with edits in its source."""
    mro = getattr(handmade.optim, name).__mro__
    return edited(next(c for c in mro if "updated" in vars(c)), edits)


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
    for row in OPTIMIZERS:
        if name not in row.get("of", name).split():
            continue
        for parts in row["ways"]:
            values = {part.split(" := ")[0] for part in parts if " := " in part}
            if values <= options:
                found.setdefault(row["name"], []).append(
                    WrongStep(row["name"], name, tuple(parts))
                )
    if form := OTHER_FORMS.get(name):
        for ways in found.values():
            others = [w for w in ways if not _overlap(w.parts, form)]
            ways += [WrongStep(w.name, name, (*form, *w.parts)) for w in others]
    return found


def _overlap(parts: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether edits replace a part of what others replace."""
    olds = [
        [p.split(" -> ")[0] for p in each if " -> " in p] for each in (parts, others)
    ]
    return any(a in b or b in a for a, b in itertools.product(*olds))
