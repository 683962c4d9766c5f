"""One public name of `handmade` beside its twin, as text or as HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from compare.report import COLORS
from compare.show import docstring, source
from compare.show.docstring import FORMULAS, NOTES, SHAPES
from compare.show.example import Example, example
from compare.show.names import lookup, resolve
from compare.show.programs import NO_EXAMPLE

MIN_WIDTH = 150  # from which on sources stand side by side, if their lines fit
SPACE = 3  # columns between two sources
WIDTH = 184  # of the HTML


@dataclass(frozen=True)
class Page:
    """Both sources of a dotted name, the sections of its docstring, and an example."""

    name: str
    summary: str
    handmade: str
    torch_ref: str
    sections: dict[str, str]
    example: Example | None
    no_example: str = ""  # why there is none


def page(name: str) -> Page:
    """The page of a dotted or short name.

    Raises:
        ValueError: there is no such name; the message suggests names.
    """
    dotted = resolve(name)
    thing = lookup(dotted)
    summary, sections = "", {}
    if callable(thing):  # a number's docstring is that of its type
        summary, sections = docstring.summary(thing), docstring.sections(thing)
    sources = source.of_handmade(dotted), source.of_torch(dotted)
    reason = NO_EXAMPLE.get(dotted, "")
    return Page(dotted, summary, *sources, sections, example(dotted), reason)


def show(page: Page, console: Console) -> None:
    """Print a page, the sources side by side where there is room."""
    for part in _parts(page, console.width):
        console.print(part, crop=False)


def as_html(page: Page) -> str:
    """A page as HTML that needs no other file; the same on every machine."""
    console = Console(
        record=True, file=StringIO(), width=WIDTH, legacy_windows=False, _environ={}
    )
    show(page, console)
    title = f"<title>{page.name}: handmade and torch_ref</title>"
    style = f"{title}\n<style>\npre {{ font-size: 12px; margin: 2em; }}"
    html = console.export_html(inline_styles=True).replace("<style>", style, 1)
    return html.replace("<html>", '<html lang="en">', 1)


def _parts(page: Page, width: int) -> Iterator[RenderableType]:
    yield Rule(Text(f"handmade.{page.name}", style="bold"), align="left")
    if page.summary:
        yield Text(f"{page.summary}\n")
    yield _sources({"handmade": page.handmade, "torch_ref": page.torch_ref}, width)
    for title, names in (("formula", FORMULAS), ("shapes", SHAPES), ("notes", NOTES)):
        sections = {n: page.sections[n] for n in names if page.sections.get(n)}
        if sections:
            yield Group("", _heading(title))
        for name, text in sections.items():
            yield from _section(name, text)
    yield Group("", _heading("live example"))
    if page.example is None:
        yield Text(f"none: {page.no_example}")
    else:
        yield from _example(page.example, width)


def _heading(title: str) -> Rule:
    return Rule(Text(title, style="bold"), align="left", style="dim")


def _sources(sources: dict[str, str], width: int) -> RenderableType:
    """Side by side if no line has to be broken for it, else one below the other."""
    widths = [max(map(len, code.splitlines())) for code in sources.values()]
    if width < max(MIN_WIDTH, sum(widths) + SPACE):
        parts = [(_heading(name), _code(code)) for name, code in sources.items()]
        return Group(*parts[0], *parts[1])
    columns = (Column(n, min_width=w) for n, w in zip(sources, widths, strict=True))
    table = Table(*columns, box=None, padding=(0, SPACE, 0, 0), pad_edge=False)
    table.add_row(*map(_code, sources.values()))
    return table


def _code(source: str) -> Text:
    """Coloured Python; lines are never broken."""
    syntax = Syntax("", "python", theme="ansi_light", background_color="default")
    text = syntax.highlight(source.rstrip())
    text.rstrip()
    text.no_wrap, text.overflow = True, "ignore"
    return text


def _section(name: str, text: str) -> Iterator[RenderableType]:
    if name not in SHAPES:
        yield Text(name, style="italic")
    if name in NOTES:  # prose: the terminal breaks its lines
        text = "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
    yield Padding(Text(text), (0, 0, 0, 4), expand=False)


def _example(example: Example, width: int) -> Iterator[RenderableType]:
    """What is run, what it is given, both results, and the verdict."""
    yield Group(_code(example.call), "")
    given = Table("given", "shape", "", box=None, pad_edge=False)
    for name, array in example.given.items():
        given.add_row(name, str(array.shape), _numbers(array, width - 30))
    if example.given:
        yield Group(given, "")
    wide = width >= MIN_WIDTH
    columns = ("handmade", "torch_ref") if wide else ("handmade above torch_ref",)
    results = Table("result", *columns, "verdict", box=None, pad_edge=False)
    room = width - max(len(row.name) for row in example.rows) - 24
    for row in example.rows:
        kind = row.verdict.kind
        ulp = f" {row.verdict.ulp:.1f} ULP" if kind == "rounding" else ""
        verdict = Text(f"{kind}{ulp}", style=COLORS[kind])
        arrays = (row.handmade, row.torch_ref)
        both = [_numbers(array, room // len(columns)) for array in arrays]
        results.add_row(row.name, *(both if wide else [Group(*both)]), verdict)
    yield Group(results, "")
    cases = f" of all {example.cases} test cases" if example.cases > 1 else ""
    kind = example.verdict.kind
    words = example.verdict.words.removeprefix(kind).lstrip(": ")
    colored = (kind, f"bold {COLORS[kind]}")
    yield Text.assemble(f"result{cases}: ", colored, f": {words}")


def _numbers(array: np.ndarray, room: int) -> Text:
    digits, width = 4 if room > 40 else 3, max(room - 4, 12)  # 4 for brackets
    return Text(np.array2string(array, width, digits, separator=" ", threshold=60))
