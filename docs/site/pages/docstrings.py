"""From the docstrings' own sections and single backticks to reStructuredText."""

import re
import textwrap
from typing import Any

from pages import mathml

FORMULAS = ("Forward", "Backward")
"""Sections that are typeset."""
DISPLAYED = ("Shape",)
"""Sections that are shown as they are written."""
SPOKEN = ("At the kink", "Stability", "Torch", "Source")
"""Sections that are sentences."""
HEADING = re.compile(rf"({'|'.join((*FORMULAS, *DISPLAYED, *SPOKEN))}):$")


def to_rst(
    app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]
) -> None:
    """Rewrite a docstring in place; the sections that Google names stay."""
    lines[:] = list(_converted(lines))


def _converted(lines: list[str]) -> list[str]:
    written: list[str] = []
    formula: list[str] = []
    section = ""
    for line in [*lines, "end"]:
        if formula and line and not line.startswith(" "):
            typeset = mathml.html(textwrap.dedent("\n".join(formula)).strip())
            block = f'<div class="formulas">{typeset}</div>'
            written += [
                ".. raw:: html",
                "",
                *textwrap.indent(block, "   ").splitlines(),
                "",
            ]
            formula = []
        if heading := HEADING.match(line):
            section = heading[1]
            written += [f".. rubric:: {section}", ""]
            written += ["::", ""] if section in DISPLAYED else []
            continue
        if line and not line.startswith(" "):
            section = ""
        if section in FORMULAS:
            formula.append(line)
        elif section in DISPLAYED:
            written.append(line)
        else:
            written.append(_escaped(line.removeprefix("    ") if section else line))
    return written[:-1]


def _escaped(line: str) -> str:
    """Bars, stars and underscores mean themselves outside of backticks."""
    parts = re.split(r"(`+[^`]*`+)", line)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*|\\]|_(?=\W|$))", r"\\\1", part)
        for part in parts
    )
