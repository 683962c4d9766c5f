"""The reference: a page for each file of `handmade`, from its docstrings."""

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import handmade
from pages import links
from pages.files import Pages

INDEX = """# Reference

Every public name of `handmade`, from the docstrings in its source. `torch_ref` has the
same names.

{lists}
```{{toctree}}
:maxdepth: 1
:hidden:

{toctree}
```
"""


def write(folder: Path) -> None:
    """Write a page for each file that defines something public."""
    pages = Pages(folder)
    named = _by_file()
    for file, names in named.items():
        pages.add(f"{file}.rst", _page(file, names))
    lists = _listed(sorted(name for names in named.values() for name in names))
    pages.add("index.md", INDEX.format(lists=lists, toctree="\n".join(named)))
    pages.finish()


def _listed(names: list[str]) -> str:
    """All names by their package, with the first line of what they are."""
    text = package = ""
    for name in names:
        short = name.removeprefix("handmade.")
        if short.rpartition(".")[0] != package:
            package = short.rpartition(".")[0]
            text += f"\n## {package}\n\n"
        about = (inspect.getdoc(_resolved(name)) or "").partition("\n")[0]
        address = links.reference(short).removeprefix("../reference/")
        text += f'- <a href="{address}"><code>{short}</code></a>: {about}\n'
    return text


def _by_file() -> dict[str, list[str]]:
    """By the file that defines them, the public dotted names."""
    found: dict[str, list[str]] = {}
    for module in _modules(handmade):
        for name in getattr(module, "__all__", []):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                file = value.__module__.removeprefix("handmade.")
                found.setdefault(file, []).append(f"{module.__name__}.{name}")
    return dict(sorted(found.items()))


def _modules(package: ModuleType) -> list[Any]:
    """The public modules and packages below, breadth first."""
    inner = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    modules = [
        (importlib.import_module(m.name), m.ispkg)
        for m in inner
        if not m.name.rpartition(".")[2].startswith("_")
    ]
    deeper = [
        m for module, is_package in modules if is_package for m in _modules(module)
    ]
    return [module for module, _ in modules] + deeper


def _page(file: str, names: list[str]) -> str:
    module = importlib.import_module(f"handmade.{file}")
    title = f"handmade.{file}"
    head = f"{title}\n{'=' * len(title)}\n\n{inspect.getdoc(module)}\n"
    return head + "".join(_directive(name) for name in names)


def _directive(name: str) -> str:
    value = _resolved(name)
    if inspect.isfunction(value):
        return f"\n.. autofunction:: {name}\n"
    return f"\n.. autoclass:: {name}\n   :members:\n"


def _resolved(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
