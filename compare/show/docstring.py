"""The sections of a docstring: Forward, Backward, Shape and so on."""

import inspect
import re
from typing import Any

HEADER = re.compile(r"^([A-Z][A-Za-z ]*):$")
FORMULAS = ("Forward", "Backward", "Predicting")
SHAPES = ("Shape",)
NOTES = ("At the kink", "Stability", "Torch", "Source")


def summary(thing: Any) -> str:
    """What stands before the first section."""
    return _parts(thing)[""]


def sections(thing: Any) -> dict[str, str]:
    """Its sections by name; a formula that it has not is that of a class above it."""
    own = {name: text for name, text in _parts(thing).items() if name}
    if not inspect.isclass(thing):
        return own
    above = [_parts(c) for c in thing.__mro__[1:] if c.__module__ == thing.__module__]
    for parts in above:
        inherited = {n: t for n, t in parts.items() if n in (*FORMULAS, *SHAPES)}
        own = {**inherited, **own}
    return own


def reflowed(text: str) -> str:
    """Prose with each paragraph in one line, for whoever breaks lines at a width."""
    return "\n\n".join(" ".join(p.split()) for p in text.split("\n\n"))


def _parts(thing: Any) -> dict[str, str]:
    doc = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
    parts: dict[str, list[str]] = {"": []}
    lines = parts[""]
    for line in inspect.cleandoc(doc or "").splitlines():
        if header := HEADER.match(line):
            lines = parts.setdefault(header[1], [])
            continue
        if line.startswith(">>>"):
            lines = parts.setdefault("Example", [])
        elif line[:1].strip() and lines is not parts.get("Example"):
            lines = parts[""]  # a section's own lines are indented
        lines.append(line)
    return {name: _dedented(found) for name, found in parts.items()}


def _dedented(lines: list[str]) -> str:
    return inspect.cleandoc("\n" + "\n".join(lines)).strip("\n")
