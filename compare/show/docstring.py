"""The sections of a docstring: Forward, Backward, Shape and so on."""

import inspect
import re
from typing import Any

HEADER = re.compile(r"([A-Z][A-Za-z ]*):")
FORMULAS = ("Forward", "Backward", "Predicting")
SHAPES = ("Shape",)
NOTES = ("At the kink", "Stability", "Torch", "Source")


def summary(thing: Any) -> str:
    """The text before the first section."""
    return _split(thing)[""]


def sections(
    thing: Any, inherited: tuple[str, ...] = (*FORMULAS, *SHAPES)
) -> dict[str, str]:
    """The sections of a class or function by name.

    A class may have those named in `inherited` from its bases in the same file.
    """
    found: dict[str, str] = {}
    for base in thing.__mro__[:0:-1] if inspect.isclass(thing) else ():
        if base.__module__ == thing.__module__:
            found |= {n: text for n, text in _split(base).items() if n in inherited}
    return found | {name: text for name, text in _split(thing).items() if name}


def _split(thing: Any) -> dict[str, str]:
    """The docstring by section; "" holds what belongs to none."""
    doc = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    parts: dict[str, list[str]] = {"": []}
    name = ""
    for line in inspect.cleandoc(doc or "").splitlines():
        if header := HEADER.fullmatch(line):
            name = header[1]
            parts.setdefault(name, [])
            continue
        if line.startswith(">>>"):
            name = "Example"
        elif line[:1].strip() and name != "Example":
            name = ""  # the lines of a section are indented
        parts.setdefault(name, []).append(line)
    return {n: inspect.cleandoc("\n" + "\n".join(p)).strip() for n, p in parts.items()}
