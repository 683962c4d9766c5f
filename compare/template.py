"""Skeletons to fill in, cut out of `handmade`'s own source."""

import ast
import difflib
import importlib
import inspect
from pathlib import Path
from typing import Any

import handmade

TO_WRITE = ("forward", "backward", "updated", "step")
"""The methods that a template leaves empty."""


def names() -> list[str]:
    """Everything that there is a template of."""
    from compare.check.subjects import CASES

    return [*CASES, "Rosenblatt"]


def template(name: str, solution: bool = False) -> str:
    """A file that defines the class `name`, its formulas in the docstring.

    Args:
        name: of the class, such as "MSELoss".
        solution: with the bodies as `handmade` has them.

    Raises:
        ValueError: there is no template of this name; the nearest is suggested.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {names()}"
        raise ValueError(f"there is no template {name!r}{hint}")
    found = _class(name)
    sources = [inspect.getsource(part).splitlines() for part in _parts(found)]
    if not solution:
        sources = [_emptied(lines) for lines in sources]
    source = "\n\n\n".join("\n".join(lines) for lines in sources)
    return f"{_imports(found, source)}\n\n{source}\n"


def _class(name: str) -> Any:
    for place in (handmade.nn, handmade.optim, handmade.perceptron):
        if hasattr(place, name):
            return getattr(place, name)
    raise AssertionError(name)


def _parts(found: Any) -> list[Any]:
    """The class, after the one that it has `forward` from, if that is not itself."""
    owners = (c for c in found.__mro__ if "forward" in vars(c))
    owner = next(owners, found)
    shared = owner is not found and owner.__name__[0] == "_"
    return [owner, found] if shared else [found]


def _emptied(lines: list[str]) -> list[str]:
    """The class with the bodies of the methods in TO_WRITE taken out."""
    kept = list(lines)
    methods = ast.parse("\n".join(lines)).body[0]
    assert isinstance(methods, ast.ClassDef)
    for method in reversed(methods.body):
        if isinstance(method, ast.FunctionDef) and method.name in TO_WRITE:
            body = [n for n in method.body if not _is_docstring(n)]
            first, last = body[0].lineno, body[-1].end_lineno
            kept[first - 1 : last] = ['        raise NotImplementedError("write me")']
    return kept


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _imports(found: Any, source: str) -> str:
    """The lines that give the class every name that it uses."""
    used = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
    module = importlib.import_module(found.__module__)
    path = Path(inspect.getfile(module))
    lines = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            aliases = [a for a in node.names if (a.asname or a.name) in used]
            lines += [f"import {ast.unparse(a)}" for a in aliases]
        elif isinstance(node, ast.ImportFrom):
            aliases = [a.name for a in node.names if (a.asname or a.name) in used]
            lines += [f"from {node.module} import {', '.join(aliases)}"] * bool(aliases)
    own = sorted(used & _defined(module) - {c.__name__ for c in _parts(found)})
    lines += [f"from {module.__name__} import {', '.join(own)}"] * bool(own)
    return "\n".join(lines)


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
