"""Code whose long lines are broken again where they may be: inside brackets."""

import re

WIDTH = 79
TOKENS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[][(){},]""")
"""Strings, which are passed over, brackets and commas."""


def laid_out(source: str) -> str:
    """The same code, with every line that is too long spread over several."""
    return "\n".join(_spread(line) for line in source.splitlines())


def _spread(line: str) -> str:
    """A line as it is if it fits, or the parts of its widest bracket one a line."""
    found = [] if len(line) <= WIDTH or "#" in line else _brackets(line)
    if not found:
        return line
    first, *commas, last = max(found, key=lambda ends: ends[-1] - ends[0])
    starts, ends = [first, *commas], [*commas, last]
    indent = line[: len(line) - len(line.lstrip())]
    inner = [line[a + 1 : b].strip() for a, b in zip(starts, ends, strict=True)]
    parts = [f"{indent}    {part}," for part in inner[:-1] if part]
    parts += [f"{indent}    {inner[-1]}"] if inner[-1] else []
    lines = [line[: first + 1], *map(_spread, parts), f"{indent}{line[last:]}"]
    return "\n".join(lines) if any(inner) else line


def _brackets(line: str) -> list[list[int]]:
    """Of every outermost bracket where it opens, its own commas, and where it ends."""
    found: list[list[int]] = []
    depth = 0
    for token in TOKENS.finditer(line):
        what, place = token[0], token.start()
        if what in "([{":
            depth += 1
            found += [[place]] if depth == 1 else []
        elif what in ")]}":
            depth -= 1
        if found and ((what == "," and depth == 1) or (what in ")]}" and depth == 0)):
            found[-1].append(place)
    return [ends for ends in found if len(ends) > 1]
