"""Skeletons to fill in, or filled in as `handmade`'s own source does."""

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

from compare.blank import blank, class_of
from compare.suggest import nearest

COMPUTES = ("forward", "backward", "updated", "step")
"""The methods that do what a class is for."""


def names() -> list[str]:
    """Everything that there is a template of."""
    from compare.check.definitions import CASES

    return [*CASES, "Rosenblatt"]


def template(name: str, solution: bool = False) -> str:
    """A file that defines the class `name`, its formulas in the docstring.

    Args:
        name: of the class, such as "MSELoss".
        solution: as `handmade` has it, with the classes that it derives from.

    Raises:
        ValueError: there is no template of this name; the nearest is suggested.
    """
    if name not in names():
        near = nearest(name, names())
        hint = f"; did you mean {near[0]}?" if near else f"; there are {names()}"
        raise ValueError(f"there is no template {name!r}{hint}")
    return _written(class_of(name)) if solution else blank(name)


def _written(found: Any) -> str:
    """The class as `handmade` has it, and what it needs."""
    source = "\n\n\n".join(inspect.getsource(c).rstrip() for c in _family(found))
    return f"{_imports(_family(found), source)}\n\n{source}\n"


def _family(found: Any) -> list[Any]:
    """The class, after the private classes of its own file that it derives from.

    One that only sets options, as AdamW those of Adam, comes after the one that it
    sets them of.
    """
    own = [c for c in found.__mro__ if c.__module__ == found.__module__]
    family = [c for c in reversed(own) if c is found or c.__name__[0] == "_"]
    writes = any(method in vars(c) for c in own for method in COMPUTES)
    return family if writes else [*_family(found.__base__), *family]


def _imports(family: list[Any], source: str) -> str:
    """The lines that give the classes every name that they use."""
    used = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
    used -= {c.__name__ for c in family}
    places = dict.fromkeys(c.__module__ for c in family)
    return "\n".join(dict.fromkeys(n for p in places for n in _lines(p, used)))


def _lines(place: str, used: set[str]) -> list[str]:
    """The imports of the names in `used` that the module `place` has."""
    module = importlib.import_module(place)
    path = Path(inspect.getfile(module))
    lines = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            aliases = [a for a in node.names if (a.asname or a.name) in used]
            lines += [f"import {ast.unparse(a)}" for a in aliases]
        elif isinstance(node, ast.ImportFrom):
            aliases = [a.name for a in node.names if (a.asname or a.name) in used]
            lines += [f"from {node.module} import {', '.join(aliases)}"] * bool(aliases)
    own = sorted(used & _defined(module))
    lines += [f"from {place} import {', '.join(own)}"] * bool(own)
    return lines


def _defined(module: Any) -> set[str]:
    """What a module defines itself at its top."""
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names
