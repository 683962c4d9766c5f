"""Every public dotted name of `handmade`, and which of them a short name means."""

from functools import cache
from operator import attrgetter
from types import ModuleType
from typing import Any

import handmade
from compare.suggest import suggest

SUBMODULES = ("nn.init", "nn.utils", "optim.lr_scheduler")
"""Modules inside modules, which no `__all__` lists."""


@cache
def names() -> tuple[str, ...]:
    """All of them, such as "nn.Linear", sorted."""
    modules = [m for m in handmade.__all__ if isinstance(lookup(m), ModuleType)]
    inside = [f"{m}.{n}" for m in (*modules, *SUBMODULES) for n in lookup(m).__all__]
    return tuple(sorted([*inside, *(set(handmade.__all__) - set(modules))]))


def lookup(dotted: str, library: ModuleType = handmade) -> Any:
    """The object that a library has under a dotted name."""
    return attrgetter(dotted)(library)


def resolve(name: str) -> str:
    """The dotted name that is meant by a dotted or short name, in any case.

    Raises:
        ValueError: there is none, or several; the message suggests names.
    """
    wanted = name.removeprefix("handmade.").removeprefix("torch_ref.")
    if wanted in names():
        return wanted
    for same in (str, str.lower):
        ending = f".{same(wanted)}"
        matches = [n for n in names() if wanted and f".{same(n)}".endswith(ending)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ValueError(f"{name!r} may be {' or '.join(matches)}; name one")
    hint = "`python -m compare show --list` names all"
    spelled = {n.rpartition(".")[2]: n for n in reversed(names())}
    similar = suggest(wanted, [*spelled, *names()], most=3, cutoff=0.7)
    if wanted in (*handmade.__all__, *SUBMODULES):
        hint = f"it is a module: it has {', '.join(lookup(wanted).__all__)}"
    elif meant := dict.fromkeys(spelled.get(name, name) for name in similar):
        hint = f"did you mean {' or '.join(meant)}?"
    raise ValueError(f"handmade has no {name!r}; {hint}")
