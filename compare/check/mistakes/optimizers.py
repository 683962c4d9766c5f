"""Wrong optimisers: `handmade`'s own, with the mistakes of optimizers.toml."""

import ast
import inspect
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
    parts: tuple[str, ...]  # as in optimizers.toml: other options and edits

    @property
    def options(self) -> dict[str, str]:
        """The expressions of other options, by name."""
        return dict(part.split(" := ") for part in self.parts if " := " in part)

    def optimizer(self) -> type:
        """The class with the mistake; it takes any option."""
        made = _edited(self.of, tuple(part for part in self.parts if " -> " in part))

        def updated(
            own: Any, data: np.ndarray, grad: np.ndarray, state: Any, group: Options
        ) -> np.ndarray:
            # Unlike a Python number, a NumPy one can be divided by 0.
            group = {**group, "lr": np.float64(group["lr"])}
            others = {k: eval(value, {}, group) for k, value in self.options.items()}
            return made.updated(own, data, grad, state, {**group, **others})

        return type(self.of, (made,), {"updated": updated, "check": lambda *_: None})


@cache
def _edited(name: str, edits: tuple[str, ...]) -> Any:
    """An optimiser of `handmade`, with edits in its source.

    Raises:
        ValueError: the source has no such piece.
    """
    mro = getattr(handmade.optim, name).__mro__
    made = next(c for c in mro if "updated" in vars(c))
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


def wrong_steps(name: str, options: Options) -> list[WrongStep]:
    """Every known way to make a mistake in an optimiser that has these options.

    The first that leads where a file leads gives it its name.
    """
    ways = [
        WrongStep(row["name"], name, tuple(parts))
        for row in OPTIMIZERS
        if name in row.get("of", name).split()
        for parts in row["ways"]
    ]
    return [way for way in ways if way.options.keys() <= options.keys()]
