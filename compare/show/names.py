"""Every public dotted name of `handmade`, and which one somebody means."""

from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import handmade
import torch_ref
from compare.suggest import suggest

SUBMODULES = ("nn.init", "nn.utils", "optim.lr_scheduler")
"""Modules inside modules, which `__all__` of the outer ones leaves out."""


@cache
def names() -> tuple[str, ...]:
    """All of them, such as "nn.Linear", sorted."""
    modules = [m for m in handmade.__all__ if _is_module(m)]
    inside = [f"{m}.{n}" for m in (*modules, *SUBMODULES) for n in attribute(m).__all__]
    alone = [n for n in handmade.__all__ if n not in modules]
    return tuple(sorted([*inside, *alone]))


def found(name: str) -> str:
    """The dotted name that is meant by it, or by the short name that one has alone.

    Raises:
        ValueError: there is none, or there are several; the nearest are named.
    """
    wanted = name.removeprefix("handmade.").removeprefix("torch_ref.")
    if wanted in names():
        return wanted
    for same in (str, str.lower):
        ends = [n for n in names() if f".{same(n)}".endswith(f".{same(wanted)}")]
        if len(ends) == 1 and wanted:
            return ends[0]
        if ends and wanted:
            raise ValueError(f"{name!r} may be {' or '.join(ends)}; name one of them")
    raise ValueError(f"handmade has no {name!r}; {_hint(wanted)}")


def attribute(dotted: str, library: ModuleType = handmade) -> Any:
    """What a library has under a dotted name."""
    value: Any = library
    for part in dotted.split("."):
        value = getattr(value, part)
    return value


def pair(dotted: str) -> tuple[Any, Any]:
    """The hand-written object and torch_ref's."""
    return attribute(dotted), attribute(dotted, torch_ref)


def _is_module(name: str) -> bool:
    return isinstance(getattr(handmade, name), ModuleType)


def _hint(wanted: str) -> str:
    if wanted in (*handmade.__all__, *SUBMODULES):
        return f"it is a module: it has {', '.join(attribute(wanted).__all__)}"
    if near := list(_near(wanted)):
        return f"did you mean {' or '.join(near)}?"
    return "`python -m compare show --list` names all"


def _near(wanted: str) -> Iterator[str]:
    """Up to three names that begin with it or are spelled like it, short or dotted."""
    spelled: dict[str, str] = {}
    for name in names():
        spelled.setdefault(name.rpartition(".")[2].lower(), name)
        spelled[name.lower()] = name
    close = suggest(wanted, spelled, most=3, cutoff=0.7)
    yield from dict.fromkeys(spelled[c] for c in close)
