"""From the docstrings' own sections and single backticks to reStructuredText."""

import re
from typing import Any

DISPLAYED = ("Forward", "Backward", "Shape")
"""Sections that are formulas: shown as they are written."""
SPOKEN = ("At the kink", "Stability", "Torch", "Source")
"""Sections that are sentences."""
HEADING = re.compile(rf"({'|'.join((*DISPLAYED, *SPOKEN))}):$")


def to_rst(
    app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """Rewrite a docstring in place; the sections that Google names stay."""
    lines[:] = list(_converted(lines))


def _converted(lines: list[str]) -> list[str]:
    written: list[str] = []
    section = ""
    for line in lines:
        if heading := HEADING.match(line):
            section = heading[1]
            written += [f".. rubric:: {section}", ""]
            written += ["::", ""] if section in DISPLAYED else []
            continue
        if line and not line.startswith(" "):
            section = ""
        if section in DISPLAYED:
            written.append(line)
        else:
            written.append(_escaped(line.removeprefix("    ") if section else line))
    return written


def _escaped(line: str) -> str:
    """Bars, stars and underscores mean themselves outside of backticks."""
    parts = re.split(r"(`+[^`]*`+)", line)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", part)
        for part in parts
    )
