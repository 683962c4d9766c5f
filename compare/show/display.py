"""A page in the terminal, or in a file of HTML that needs nothing else."""

import textwrap
from collections.abc import Iterator
from io import StringIO
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from compare.show.docstring import FORMULAS, NOTES, SHAPES
from compare.show.example import Example
from compare.show.page import Page
from compare.verdict import Verdict

WIDE = 120
"""From so many characters on both sources stand side by side."""
HTML_WIDTH = 184
COLORS = {"equal": "green", "rounding": "green", "convention": "yellow", "bug": "red"}
HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ color: {{foreground}}; background: {{background}}; margin: 2em; }}
pre {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
</style>
</head>
<body>
<pre><code style="font-family:inherit">{{code}}</code></pre>
</body>
</html>
"""


def show(page: Page, console: Console) -> None:
    """Print a page, in columns where there is room."""
    for part in _parts(page, console.width):
        console.print(part)


def as_html(page: Page) -> str:
    """A page as HTML, with all that it needs; the same wherever it is made."""
    console = Console(
        record=True,
        width=HTML_WIDTH,
        file=StringIO(),
        highlight=False,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    show(page, console)
    title = f"{page.name}: handmade and torch_ref"
    return console.export_html(code_format=HTML.format(title=title), inline_styles=True)


def _parts(page: Page, width: int) -> Iterator[RenderableType]:
    yield Rule(Text(f"handmade.{page.name}", style="bold"), align="left")
    if page.summary:
        yield Text(f"{page.summary}\n")
    yield _sources(page, width)
    for title, names in (("formula", FORMULAS), ("shapes", SHAPES), ("notes", NOTES)):
        if chosen := page.chosen(names):
            yield _heading(title)
            yield from (_section(name, text) for name, text in chosen.items())
    yield _heading("live example")
    if page.example is None:
        yield Text(f"none: {page.no_example}")
    else:
        yield from _example(page.example, width)


def _heading(title: str) -> RenderableType:
    return Rule(Text(title, style="bold"), align="left", style="dim")


def _sources(page: Page, width: int) -> RenderableType:
    half = width if width < WIDE else (width - 3) // 2
    ours, theirs = _code(page.handmade, half), _code(page.torch_ref, half)
    if width < WIDE:
        return Group(_heading("handmade"), ours, _heading("torch_ref"), theirs)
    columns = (Column(name, width=half, ratio=1) for name in ("handmade", "torch_ref"))
    table = Table(*columns, box=None, padding=(0, 3, 0, 0), pad_edge=False)
    table.add_row(ours, theirs)
    return table


def _code(source: str, width: int) -> Syntax:
    fitted = "\n".join(_fitted(line, width) for line in source.splitlines())
    return Syntax(fitted, "python", theme="ansi_light", background_color="default")


def _fitted(line: str, width: int) -> str:
    """A line of code, broken behind its own indentation where it is too long."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line,
        width,
        subsequent_indent=f"{indent}        ",
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        drop_whitespace=True,
    )


def _section(name: str, text: str) -> RenderableType:
    return Group(Text(name, style="italic"), Padding(Text(text), (0, 0, 1, 4)))


def _example(example: Example, width: int) -> Iterator[RenderableType]:
    yield _code(example.call, width)
    if example.given:
        yield Text("")
        yield _given(example)
    yield Text("")
    table = Table(
        "result", "handmade", "torch_ref", "verdict", box=None, pad_edge=False
    )
    for row in example.rows:
        ours, theirs = _numbers(row.handmade), _numbers(row.torch_ref)
        table.add_row(row.name, Text(ours), Text(theirs), _kind(row.verdict))
    yield table
    yield Text("")
    yield _verdict(example)


def _given(example: Example) -> Table:
    table = Table("given", "shape", "", box=None, pad_edge=False)
    for name, array in example.given.items():
        table.add_row(name, str(tuple(array.shape)), Text(_numbers(array)))
    return table


def _results(example: Example) -> Table:
    names = ("result", "shape", "handmade", "torch_ref", "verdict")
    table = Table(*names, box=None, pad_edge=False)
    for row in example.rows:
        shape, numbers = str(tuple(row.torch_ref.shape)), map(_numbers, row.both)
        table.add_row(row.name, shape, *map(Text, numbers), _kind(row.verdict))
    return table


def _verdict(example: Example) -> Text:
    cases = f" over all its {example.cases} cases" if example.cases > 1 else ""
    kind = example.verdict.kind
    words = example.verdict.words.removeprefix(kind).lstrip(": ")
    colored = Text(kind, style=f"bold {COLORS[kind]}")
    return Text.assemble(f"verdict{cases}: ", colored, f": {words}")


def _kind(verdict: Verdict) -> Text:
    ulp = f" {verdict.ulp:.1f} ULP" if verdict.kind == "rounding" else ""
    return Text(f"{verdict.kind}{ulp}", style=COLORS[verdict.kind])


def _numbers(array: Any) -> str:
    """Four digits after the point; what is very small or large in powers of ten."""
    return np.array2string(
        np.asarray(array),
        precision=4,
        suppress_small=False,
        separator=" ",
        threshold=60,
        max_line_width=60,
        floatmode="maxprec",
    )
