"""A page in the terminal, or in a file of HTML that needs nothing else."""

from collections.abc import Iterator
from io import StringIO

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from compare.page import COLORS
from compare.show.docstring import FORMULAS, NOTES, SHAPES, reflowed
from compare.show.example import Example
from compare.show.page import Page
from compare.verdict import Verdict

WIDE = 150
"""From so many characters on both sources stand side by side, if their lines fit."""
GAP = 3
"""Between them."""
HTML_WIDTH = 184
HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>TITLE</title>
<style>
body {{ color: {foreground}; background: {background}; margin: 2em; }}
pre {{ font-size: 12px; font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
</style>
</head>
<body>
<pre><code style="font-family:inherit">{code}</code></pre>
</body>
</html>
"""


def show(page: Page, console: Console) -> None:
    """Print a page, in columns where there is room."""
    for part in _parts(page, console.width):
        console.print(part, crop=False)


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
    form = HTML.replace("TITLE", f"{page.name}: handmade and torch_ref")
    return console.export_html(code_format=form, inline_styles=True)


def _parts(page: Page, width: int) -> Iterator[RenderableType]:
    yield Rule(Text(f"handmade.{page.name}", style="bold"), align="left")
    if page.summary:
        yield Text(f"{page.summary}\n")
    yield _sources(page, width)
    yield from _docs(page)
    yield Text("")
    yield _heading("live example")
    if page.example is None:
        yield Text(f"none: {page.no_example}")
    else:
        yield from _example(page.example, width)


def _docs(page: Page) -> Iterator[RenderableType]:
    """What the docstring says, under three headings."""
    for title, names in (("formula", FORMULAS), ("shapes", SHAPES), ("notes", NOTES)):
        if chosen := page.chosen(names):
            yield Text("")
            yield _heading(title)
        for name, text in chosen.items():
            if len(names) > 1:
                yield Text(name, style="italic")
            words = reflowed(text) if names is NOTES else text
            yield Padding(Text(words), (0, 0, 0, 4), expand=False)


def _heading(title: str) -> RenderableType:
    return Rule(Text(title, style="bold"), align="left", style="dim")


def _sources(page: Page, width: int) -> RenderableType:
    """Both side by side, if no line of them has to be broken for it."""
    both = {"handmade": page.handmade, "torch_ref": page.torch_ref}
    needed = [max(map(len, source.splitlines())) for source in both.values()]
    if width < max(WIDE, sum(needed) + GAP):
        parts = ((_heading(name), _code(source)) for name, source in both.items())
        return Group(*(part for pair in parts for part in pair))
    columns = (
        Column(name, min_width=least) for name, least in zip(both, needed, strict=True)
    )
    table = Table(*columns, box=None, padding=(0, GAP, 0, 0), pad_edge=False)
    table.add_row(*map(_code, both.values()))
    return table


def _code(source: str) -> Text:
    """Coloured, and never broken: a line that is too long is left to the terminal."""
    code = Syntax("", "python", theme="ansi_light", background_color="default")
    text = code.highlight(source.rstrip())
    text.rstrip()
    text.no_wrap, text.overflow = True, "ignore"
    return text


def _example(example: Example, width: int) -> Iterator[RenderableType]:
    yield _code(example.call)
    yield Text("")
    if example.given:
        yield _given(example, width)
        yield Text("")
    yield _results(example, width)
    yield Text("")
    yield _verdict(example)


def _given(example: Example, width: int) -> Table:
    table = Table("given", "shape", "", box=None, pad_edge=False)
    for name, array in example.given.items():
        shape, numbers = str(tuple(array.shape)), _numbers(array, width - 30)
        table.add_row(name, shape, Text(numbers))
    return table


def _results(example: Example, width: int) -> Table:
    longest = max(len(row.name) for row in example.rows)
    if width < WIDE:
        return _stacked(example, width - longest - 32)
    names = ("result", "handmade", "torch_ref", "verdict")
    table = Table(*names, box=None, pad_edge=False)
    for row in example.rows:
        both = (_numbers(a, (width - longest - 24) // 2) for a in row.both)
        table.add_row(row.name, *map(Text, both), _kind(row.verdict))
    return table


def _stacked(example: Example, room: int) -> Table:
    """Torch's result below the hand-written one, not beside it."""
    table = Table("result", "", "", "verdict", box=None, pad_edge=False)
    for row in example.rows:
        ours, theirs = (Text(_numbers(a, room)) for a in row.both)
        table.add_row(row.name, "handmade", ours, _kind(row.verdict))
        table.add_row("", "torch_ref", theirs)
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


def _numbers(array: np.ndarray, room: int) -> str:
    """Four digits behind the point, or three where there is little room."""
    return np.array2string(
        array,
        precision=4 if room > 40 else 3,
        separator=" ",
        threshold=60,
        max_line_width=max(room - 4, 12),  # brackets at the end
    )
